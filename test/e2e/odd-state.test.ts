import assert from 'node:assert/strict';
import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { checkState } from '../../agent/commands/doctor/host-checks.ts';
import { readLocal } from '../../agent/commands/show/local-view.ts';
import { readHistory, readKeptOutput } from '../../agent/io/run-history.ts';
import { parseOptions } from '../../agent/options.ts';
import type { HostPaths } from '../../agent/paths.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { asFileError } from '../../shared/disk-error.ts';
import type { Check } from '../../shared/doctor/checks.ts';
import { ODD_FILES, RAW } from '../support/odd-files.ts';
import { sampleOf } from '../support/soak.ts';
import { filesOf, workingHost } from '../support/working-host.ts';

const NUMBERS = ['1e308', '-1', '9007199254740992', '8640000000000001', '0.5', '"NaN"', 'null'];

/** Each number of a JSON file is another one. */
function numberDamages(path: string): typeof ODD_FILES {
  if (!/(state|record)\.json$/.test(path)) return {};
  const text = readFileSync(path, 'utf8');
  const rows = NUMBERS.map((number) => {
    const damage = () => writeFileSync(path, text.replaceAll(/:-?\d+(?=[,}])/g, `:${number}`));
    return [`numbers that are ${number}`, damage] as const;
  });
  return Object.fromEntries(rows);
}

/** Everything that the agent keeps below its state directory, and what it may keep there. */
function pathsOf(paths: HostPaths): readonly string[] {
  const { blobs, trust, releases, environments, runs, history, reserves, view } = paths;
  const directories = [blobs, trust, releases, environments, runs, history, reserves, view];
  const files = filesOf(paths.state).map((name) => join(paths.state, name));
  const others = [paths.binaries, paths.rubyCache, paths.factCache, paths.checkedConfig];
  const inner = [trust, releases, runs].flatMap((directory) =>
    readdirSync(directory).map((name) => join(directory, name)),
  );
  const trees = readdirSync(releases).map((name) => join(releases, name, 'tree'));
  const reserved = ['files', 'run'].map((name) => join(reserves, name));
  return [
    ...new Set([...directories, ...files, ...others, ...inner, ...trees, ...reserved]),
  ].sort();
}

/** What the commands say that only read the state. */
async function lookAt(paths: HostPaths, root: string): Promise<string> {
  const checks: Check[] = [];
  await checkState(checks, paths);
  const options = parseOptions(['status', '--root', root]);
  const view = await readLocal(options, {}).catch(codedOnly);
  return JSON.stringify([checks, view, await outputs(paths).catch(codedOnly)]);
}

async function outputs({ history }: HostPaths): Promise<readonly (string | undefined)[]> {
  return readHistory(history).map(({ run }) => readKeptOutput(history, run.id));
}

/** As main.ts explains an error. */
function codedOnly(thrown: unknown): string {
  const error = asFileError(thrown);
  if (error instanceof CodedError) return error.message;
  throw error;
}

test('odd state: whatever is in the place of a kept path, the host goes on or names it', async (t) => {
  const { lab, host, turn, putBack } = await workingHost(t);
  const rows = pathsOf(host.paths).flatMap((path) => {
    const odd = Object.entries(ODD_FILES).map(([name, make]) => {
      return { path, name, damage: () => make(path), isReplaced: true };
    });
    const numbers = lstatSync(path, { throwIfNoEntry: false })?.isFile() ? numberDamages(path) : {};
    const damaged = Object.entries(numbers).map(([name, damage]) => {
      return { path, name, damage: () => damage(path), isReplaced: false };
    });
    return [...odd, ...damaged];
  });
  for (const { path, name, damage, isReplaced } of sampleOf(rows, 31)) {
    const what = `${path.slice(host.root.length)} is ${name}`;
    putBack();
    mkdirSync(dirname(path), { recursive: true });
    if (isReplaced) rmSync(path, { recursive: true, force: true });
    damage();
    host.log.lines.length = 0;
    const fail = (error: unknown) => assert.fail(`${what}: ${(error as Error).stack}`);
    const seen = await lookAt(host.paths, host.root).catch(fail);
    await host.turn({ trigger: 'poll', s3: {} }).catch(fail);
    await turn().catch(fail);
    const said = JSON.stringify(host.log.lines);
    assert.doesNotMatch(`${seen}${said}`, RAW, what);
    const { release, trust, run } = lab.status();
    if (name === 'a link to nothing' && said.includes('FILE_FAILED')) {
      assert.ok(said.includes(`ls -ld ${path}`), `${what}: ${said}`);
      continue;
    }
    assert.deepEqual(
      [release?.version, trust.state, run?.status],
      ['1.1.0', 'ok', 'unchanged'],
      `${what}: ${said}`,
    );
  }
  t.diagnostic(`${rows.length} rows`);
});
