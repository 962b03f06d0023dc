import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { arch, cpus, release } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { writeFileAtomicSync } from '../shared/atomic-file.ts';
import { PATH, PROJECT } from './lab.ts';
import type { NoiseSummary } from './noise.ts';
import type { Group } from './rows.ts';
import { markdownTables, textTable } from './table.ts';

/** One run of the benchmark: what the JSON document holds. */
export interface Results {
  readonly kind: 'benchmark' | 'load' | 'fleet';
  readonly at: string;
  readonly machine: Machine;
  readonly noise?: NoiseSummary;
  readonly seconds: number;
  readonly groups: readonly Group[];
}

export interface Machine {
  readonly miyamoto: string;
  readonly commit: string;
  readonly node: string;
  readonly puppet: string;
  readonly kernel: string;
  readonly cores: number;
  readonly cpu: string;
}

export async function thisMachine(): Promise<Machine> {
  const [cpu] = cpus();
  return {
    miyamoto: (
      JSON.parse(await readFile(join(PROJECT, 'package.json'), 'utf8')) as { version: string }
    ).version,
    commit: await answer('git', '-C', PROJECT, 'describe', '--always', '--dirty'),
    node: process.versions.node,
    puppet: await answer('puppet', '--version'),
    kernel: `${process.platform} ${release()} ${arch()}`,
    cores: cpus().length,
    cpu: cpu?.model ?? 'unknown',
  };
}

async function answer(program: string, ...words: string[]): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(program, words, { env: { PATH, HOME: '/' } });
    return stdout.trim();
  } catch {
    return 'unknown';
  }
}

export function textOf(results: Results): string {
  return [...aboutLines(results), '', textTable(results.groups)].join('\n');
}

function aboutLines({ at, machine, noise, seconds }: Results): string[] {
  const { miyamoto, commit, node, puppet, kernel, cores, cpu } = machine;
  const percent = (share: number): string => `${((share - 1) * 100).toFixed(0)} %`;
  return [
    `${at.slice(0, 16)}Z, ${Math.round(seconds)} s: miyamoto ${miyamoto} (${commit}), node ${node}, puppet ${puppet}, ${kernel}, ${cores} x ${cpu}`,
    ...(noise === undefined
      ? []
      : [
          `noise: a loop that always does the same took ${noise.medianMs.toFixed(1)} ms; half of ${noise.samples} times within ${percent(noise.middleHalf[0])} to +${percent(noise.middleHalf[1])}, the slowest +${percent(noise.worst)}`,
        ]),
  ];
}

/** Writes the JSON document beside the bundles that were measured. */
export async function writeJson(results: Results): Promise<string> {
  const path = join(PROJECT, `dist/${results.kind}.json`);
  writeFileAtomicSync(path, `${JSON.stringify(results, null, 2)}\n`);
  return path;
}

const PAGE = join(PROJECT, 'docs/performance.md');

/**
 * For `--write`: puts the tables between the markers of docs/performance.md, and the JSON document
 * beside it.
 */
export async function writePage(results: Results): Promise<readonly string[]> {
  const json = join(PROJECT, `docs/performance-${results.kind}.json`);
  await writeFile(PAGE, withTables(await readFile(PAGE, 'utf8'), results));
  await writeFile(json, `${JSON.stringify(results, null, 2)}\n`);
  return [PAGE, json];
}

/** Returns the page with the tables of that kind replaced. Throws when its markers are missing. */
export function withTables(page: string, results: Results): string {
  const [begin, end] = [`<!-- ${results.kind}: begin -->`, `<!-- ${results.kind}: end -->`];
  const [before, rest] = [page.indexOf(begin), page.indexOf(end)];
  if (before === -1 || rest < before) throw new Error(`${PAGE} lacks ${begin} or ${end}`);
  const about = aboutLines(results).join('  \n');
  const text = `${begin}\n\n${about}\n\n${markdownTables(results.groups)}\n\n`;
  return page.slice(0, before) + text + page.slice(rest);
}
