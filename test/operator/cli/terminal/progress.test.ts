import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { test } from 'node:test';
import { ProgressDisplay } from '../../../../operator/cli/terminal/progress.ts';
import type { ProgressWork } from '../../../../operator/repository/progress.ts';
import { openTerminal } from '../../../support/pseudo-terminal.ts';
import { initialized } from '../../operator-lab.ts';

const ROOT = join(import.meta.dirname, '../../../..');

const LINES = [
  'uploading the release: 25 %, 10.0 of 40.0 MB',
  'uploading the release: 50 %, 20.0 of 40.0 MB',
  'a notice',
  'uploading the release: 75 %, 30.0 of 40.0 MB',
  'uploading the release: 100 %, 40.0 of 40.0 MB',
  'uploaded',
];

/** The environment of a command on a real terminal, and whether a bar can be drawn there. */
const TERMINALS: Record<string, { env: NodeJS.ProcessEnv; isBar: boolean }> = {
  'a person': { env: { TERM: 'xterm' }, isBar: true },
  'a person, CI=false': { env: { TERM: 'xterm', CI: 'false' }, isBar: true },
  'a job with a terminal': { env: { TERM: 'xterm', CI: 'true' }, isBar: false },
  'a terminal that cannot erase a line': { env: { TERM: 'dumb' }, isBar: false },
  'a terminal of an unknown kind': { env: {}, isBar: false },
};
for (const [name, { env, isBar }] of Object.entries(TERMINALS)) {
  test(`progress: ${name} sees ${isBar ? 'a bar, which is removed' : 'a line every 10 s'}`, async () => {
    const { TERM: _, CI: __, ...inherited } = process.env;
    const command = `'${process.execPath}' test/fixtures/show-progress.ts`;
    // The shell warns about a locale that is not installed here, as ssh may have brought it.
    const terminal = openTerminal(command, {
      env: { ...inherited, ...env, LC_ALL: 'C' },
      cwd: ROOT,
    });
    assert.equal(await terminal.ended, 0, terminal.shown);
    if (isBar) {
      assert.match(terminal.shown, /Kuploading the release {2}\[={5} {15}\] {2}25 %/);
      assert.match(terminal.shown, /10\.0 of 40\.0 MB {2}0:30 left/);
      assert.deepEqual(onScreen(terminal.shown), ['a notice', 'uploaded']);
    } else {
      const shown = terminal.shown.replaceAll('mm: ', '').trimEnd().split(/\r?\n/);
      assert.deepEqual(shown, LINES);
    }
  });
}

/** What a terminal still shows after the text. */
function onScreen(text: string): string[] {
  const lines = text.split('\n').map((line) => line.split('\r\x1b[K').at(-1)?.replace(/\r$/, ''));
  return lines.filter((line) => line !== undefined && line !== '') as string[];
}

const WORKS: Record<string, readonly [work: ProgressWork, total: number, columns: number]> = {
  'a work that ends soon shows nothing': [{ what: 'checking', unit: 'file' }, 3, 80],
  'a bar is narrower than its terminal': [{ what: 'a'.repeat(200), unit: 'file' }, 60, 40],
  'nothing to do is no division by zero': [{ what: 'compiling', unit: 'catalog' }, 0, 80],
};
for (const [name, [work, total, columns]] of Object.entries(WORKS)) {
  test(`progress: ${name}`, () => {
    let now = 0;
    let written = '';
    const write = (text: string) => {
      written += text;
    };
    const terminal = { columns, write };
    const display = new ProgressDisplay({ terminal, notice: assert.fail, now: () => now });
    {
      using progress = display.show(work);
      for (let done = 0; done <= total; done += 1) {
        now += total === 0 ? 1000 : 100;
        progress.at(done, total);
      }
    }
    assert.doesNotMatch(written, /NaN|Infinity/);
    for (const line of written.split('\r\x1b[K')) assert.ok(line.length < columns, line);
    assert.equal(written === '', total === 3);
    assert.deepEqual(onScreen(written), []);
  });
}

test('progress: an upload says how many bytes were sent, and a publication shows them', async (t) => {
  const lab = await initialized(t);
  const length = 3_000_000;
  await lab.commit('files/large', randomBytes(length).toString('latin1').slice(0, length));
  const seen: string[] = [];
  const bytes: number[] = [];
  const done = await lab.mm(['publish', 'stable', '--no-validate'], {
    showProgress: ({ what, unit }) => {
      seen.push(`${what} ${unit}`);
      return {
        at: (sent, total) => bytes.push(sent, total),
        [Symbol.dispose]: () => seen.push('ended'),
      };
    },
  });
  assert.equal(done.exitCode, 0, done.stderr);
  assert.deepEqual(seen, ['uploading the release byte', 'ended']);
  const [total] = bytes.slice(-1);
  assert.equal(bytes.at(-2), total);
  assert.ok(bytes.length > 4, 'more than one step');
});
