import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PROJECT } from '../lab.ts';
import { measure } from '../measure.ts';
import type { Figure, Mark, Unit } from '../rows.ts';

/** Where mm is measured. */
export interface Desk {
  readonly hosts: number;
  readonly folder: string;
  readonly stop: AbortSignal;
  readonly environment: Readonly<Record<string, string>>;
  /** Options of Node, as the package's launcher has them. */
  readonly options: readonly string[];
}

export interface Used {
  readonly wallSeconds: number;
  /** User and system time of mm alone. */
  readonly cpuSeconds: number;
  /** Largest resident memory, in MB. */
  readonly peakMb: number;
}

/** Options of Node, as the package's launcher has them. */
export async function launcherOptions(): Promise<string[]> {
  const launcher = await readFile(join(PROJECT, 'packaging/contents/mm'), 'utf8');
  const [, options] = /^exec \S+\/node ((?:--\S+ )*)\S+\/mm\.mjs "\$@"$/m.exec(launcher) ?? [];
  if (options === undefined) throw new Error('packaging/contents/mm does not start mm.mjs');
  return options.split(' ').filter((option) => option !== '');
}

/** Runs the built mm. */
export async function runMm(
  { folder, stop, environment, options }: Desk,
  words: readonly string[],
): Promise<Used> {
  const usage = join(folder, 'usage.json');
  const loaded = ['--import', join(import.meta.dirname, 'usage.mjs')];
  const argv = [process.execPath, ...options, ...loaded, join(PROJECT, 'dist/mm.mjs'), ...words];
  const command = { argv, cwd: folder, environment: { ...environment, MM_BENCH_USAGE: usage } };
  const { wallSeconds } = await measure(command, { folder, stop });
  const { seconds, peakMb } = JSON.parse(await readFile(usage, 'utf8'));
  return { wallSeconds, cpuSeconds: Number(seconds), peakMb: Number(peakMb) };
}

/** A figure of one measurement. */
export function one(what: string, unit: Unit, ours: number, ...marks: Mark[]): Figure {
  return { what, unit, ours, samples: 1, marks };
}
