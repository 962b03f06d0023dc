import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { isRunning, sendSignal } from '../../../../agent/io/host/processes.ts';
import { askProgram } from '../../../../agent/io/puppet/ask-program.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';
import { waitUntil } from '../../../support/wait-until.ts';

const CHILD = `sh -c 'echo $$ >>pids; exec sleep 1000'`;
const SERVICE = `perl -MPOSIX -e 'POSIX::setsid(); exec @ARGV' ${CHILD}`;

/** What the program does, and its answer or why it has none. */
const programs: Readonly<Record<string, readonly [string, string | RegExp]>> = {
  'an answer': ['echo 7.23.0', '7.23.0\n'],
  'hangs, with a child that holds stdout': [`${CHILD}; echo late`, /it had not ended after 0\.3 s/],
  'ignores TERM': ['trap "" TERM; while :; do sleep 0.1; done', /it had not ended after 0\.3 s/],
  'leaves a child that holds stdout': [`echo 8.1.0; ${CHILD} & wait_for_pid`, '8.1.0\n'],
  'leaves a service that holds stdout': [`echo 8.1.0; ${SERVICE} & wait_for_pid`, '8.1.0\n'],
  'prints without end': ['yes', /it printed more than 65536 characters/],
  fails: ['echo 7.23.0; exit 3', /it ended with exit code 3/],
  dies: ['kill -SEGV $$', /it ended with SIGSEGV/],
};

suite('a program that is asked something', { concurrency: true }, () => {
  for (const [name, [does, want]] of Object.entries(programs)) {
    test(name, async (t) => {
      const directory = await temporaryDirectory(t);
      const wait = 'wait_for_pid() { until [ -s pids ]; do :; done; }';
      const argv = ['-c', `ulimit -c 0; cd '${directory}'; ${wait}; ${does}`];
      const limitMs = want instanceof RegExp && want.source.startsWith('it had not') ? 300 : 60_000;
      const asked = askProgram('/bin/sh', argv, {
        env: { PATH: process.env['PATH'] ?? '' },
        limitMs,
      });
      if (want instanceof RegExp) await assert.rejects(asked, want);
      else assert.equal(await asked, want);
      const text = await readFile(join(directory, 'pids'), 'utf8').catch(() => '');
      for (const pid of text.split('\n').filter(Boolean).map(Number)) {
        if (name.includes('service')) sendSignal(pid, 'SIGKILL');
        await waitUntil(() => !isRunning(pid));
      }
    });
  }

  test('a program that cannot be started', async () => {
    const asking = { env: {}, limitMs: 1000 };
    await assert.rejects(askProgram('/nowhere/puppet', [], asking), /ENOENT/);
  });
});
