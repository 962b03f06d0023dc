import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import type { PuppetExit } from '../../../../../agent/core/run/puppet-run.ts';
import { IS_SOAK } from '../../../../support/soak.ts';

const DRIVER = join(import.meta.dirname, '../../../../fixtures/puppet/driver.ts');

import { isRunning, sendSignal } from '../../../../../agent/io/host/processes.ts';
import { MAX_OUTPUT_BYTES } from '../../../../../agent/io/puppet/output/follow-output.ts';
import { hostPuppet } from '../../../../../agent/io/puppet/puppet.ts';
import type { RunSummary } from '../../../../../bucket/documents/status.ts';
import { puppetPlace } from '../../../../support/puppet-run.ts';

/*
 * Programs that stand for a Puppet that misbehaves. After each one the status has the reason, no
 * process is left but services, and the next run is a good one.
 */

const exited = (exitCode: number): PuppetExit => ({ kind: 'exited', exitCode });
const killed = (signal: string, why: 'time-limit' | 'foreign' = 'time-limit'): PuppetExit => ({
  kind: 'killed',
  signal,
  why,
});

/** `$report`, and what the rows share. Each process that must end writes its id to `$pids`. */
const PRELUDE = `#!/bin/sh
[ "$1" = --version ] && { echo 7.23.0; exit; }
report= summary= pids=\${0%/*}/pids
while [ $# -gt 0 ]; do
  case $1 in --lastrunreport) report=$2;; --lastrunfile) summary=$2;; esac
  shift
done
run=\${report%/*} facts=\${report%/*}/client_data/facts
write() {
  mkdir -p "$facts"; echo '{"values":{}}' >"$facts/h1.example.com.json"
  printf '{"time":"%s","status":"unchanged"}' "\${1:-$(date -u +%FT%TZ)}" >"$report"
}
big() { head -c "$1" /dev/zero | tr '\\0' "$2"; }
session() { exec perl -MPOSIX -e 'POSIX::setsid(); exec @ARGV' "$@"; }
hang() { echo $$ >>"$pids"; while :; do sleep 0.1; done; }
export pids
`;
const GOOD = 'write';

type Row = readonly [does: string, exit: PuppetExit, status: RunSummary['status'], why: RegExp];

const LIMIT = /the time limit passed; ended by SIG(TERM|KILL)/;
const CHILD = `sh -c 'echo $$ >>"$pids"; exec sleep 1000'`;
const DEAF = `sh -c 'trap "" TERM; echo $$ >>"$pids"; while :; do sleep 0.1; done'`;

const rows: Readonly<Record<string, Row>> = {
  hangs: ['hang', killed('SIGTERM'), 'killed', LIMIT],
  'hangs, and ignores TERM': ['trap "" TERM; hang', killed('SIGKILL'), 'killed', LIMIT],
  'has been stopped': ['kill -STOP $$', killed('SIGKILL'), 'killed', LIMIT],
  'waits for a child that ignores TERM': [`${DEAF}; exit 2`, killed('SIGKILL'), 'killed', LIMIT],
  'waits for one in another session': [
    `(session ${DEAF}); exit 2`,
    killed('SIGKILL'),
    'killed',
    LIMIT,
  ],
  'starts children faster than it ends': [
    'while :; do sleep 1000 & echo $! >>"$pids"; sleep 0.02; done',
    killed('SIGTERM'),
    'killed',
    LIMIT,
  ],
  'leaves a child that holds the output': [`${CHILD} & write`, exited(0), 'unchanged', /^$/],
  'leaves a child that ignores TERM': [`${DEAF} & write; exit 2`, exited(2), 'unchanged', /^$/],
  'removes its own run directory': [
    'rm -rf "$run"; exit 0',
    exited(0),
    'failed',
    /exited with 0 and left no report/,
  ],
  'leaves no report': ['exit 0', exited(0), 'failed', /exited with 0 and left no report/],
  'leaves no report, and fails': [
    'echo Error: no such file; exit 1',
    exited(1),
    'not-compiled',
    /no such file/,
  ],
  'leaves half a report': [
    `printf '{"time":' >"$report"`,
    exited(0),
    'unchanged',
    /report\.json: it is not JSON/,
  ],
  'leaves a report of another form': [
    'echo \'{"version": 7}\' >"$report"; exit 6',
    exited(6),
    'failed',
    /unknown form/,
  ],
  'leaves the report of an earlier run': [
    'write 2020-01-01T00:00:00Z; exit 1',
    exited(1),
    'not-compiled',
    /report of Puppet: it is older than the run/,
  ],
  'leaves a report of 17 MB': [
    'big 17000000 x >"$report"; exit 2',
    exited(2),
    'changed',
    /report\.json: it has more than 16777216 bytes/,
  ],
  'leaves a report of a million brackets': [
    'big 1000000 "[" >"$report"',
    exited(0),
    'unchanged',
    /report\.json: it is not JSON/,
  ],
  'leaves a FIFO as its report': [
    'mkfifo "$report"; mkfifo "$summary"',
    exited(0),
    'unchanged',
    /report\.json: it is not a regular file/,
  ],
  'leaves a link to an endless file': [
    'ln -s /dev/zero "$report"; exit 4',
    exited(4),
    'failed',
    /report\.json: it is a link/,
  ],
  'leaves a directory as its report': [
    'mkdir "$report"',
    exited(0),
    'unchanged',
    /report\.json: it is not a regular file/,
  ],
  'leaves a summary of 1 MB': [
    'big 1000000 "[" >"$summary"; exit 0',
    exited(0),
    'failed',
    /exited with 0 and left no report/,
  ],
  'fails with a report that says otherwise': ['write; exit 4', exited(4), 'failed', /./],
};

for (const signal of [
  ...['HUP', 'INT', 'QUIT', 'ILL', 'TRAP', 'ABRT', 'BUS', 'FPE', 'KILL', 'USR1', 'SEGV'],
  ...['USR2', 'PIPE', 'ALRM', 'TERM', 'XCPU', 'XFSZ', 'VTALRM', 'PROF', 'SYS'],
]) {
  Object.assign(rows, {
    [`dies by ${signal}`]: [
      `ulimit -c 0; write; kill -${signal} $$`,
      killed(`SIG${signal}`, 'foreign'),
      'killed',
      new RegExp(`ended by SIG${signal}, which the agent did not send`),
    ],
  });
}

suite('a Puppet that', { concurrency: true }, () => {
  for (const [name, [does, exit, status, why]] of Object.entries(rows)) {
    test(name, async (t) => {
      const { run, pids } = await program(t);
      const summary = await run(does, 'run-1');
      assert.deepEqual(summary.exit, exit);
      assert.equal(summary.status, status, JSON.stringify(summary));
      assert.match([summary.error, ...(summary.problems ?? [])].join('\n'), why);
      assert.deepEqual((await pids()).filter(isRunning), []);
      assert.equal((await run(GOOD, 'run-2')).status, 'unchanged');
    });
  }

  test('leaves a service in its own session: that stays', async (t) => {
    const { run, pids } = await program(t);
    const service = `session ${CHILD} & until [ -s "$pids" ]; do :; done`;
    assert.equal((await run(`${service}; write`, 'run-1')).status, 'unchanged');
    const [pid = 0] = await pids();
    t.after(() => sendSignal(pid, 'SIGKILL'));
    assert.ok(isRunning(pid));
  });
});

/** Bytes that are printed twice, and how much memory an agent may need for them at most. */
const SMALL = 1e4;
const LARGE = IS_SOAK ? 5e9 : 1.5e8;
const MOST_MEMORY_KB = 60_000;

test('a Puppet that prints 10 GB: the log and the memory of the agent stay small', async (t) => {
  const agent = async (bytes: number) => {
    const place = await puppetPlace(t);
    const path = join(place.directory, 'puppet');
    const does = `yes "Notice: $$ again and again" | head -c ${bytes}; head -c ${bytes} /dev/zero`;
    await writeFile(path, `${PRELUDE}${does}; exit 2\n`, { mode: 0o755 });
    const request = place.request({ puppet: { path, version: '7.23.0' } });
    const words = [{ launcher: 'group' }, request].map((value) => JSON.stringify(value));
    const { stdout } = await promisify(execFile)(process.execPath, [DRIVER, 'measure', ...words], {
      maxBuffer: 16 * MAX_OUTPUT_BYTES,
    });
    const { maxRSS, ...exit } = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
    assert.deepEqual(exit, exited(2));
    const { size } = await stat(join(request.runDirectory, 'puppet.log'));
    return { maxRSS, size };
  };
  const [small, large] = [await agent(SMALL), await agent(LARGE)];
  assert.ok(large.size < MAX_OUTPUT_BYTES + 200);
  assert.ok(large.maxRSS - small.maxRSS < MOST_MEMORY_KB, `${small.maxRSS}, ${large.maxRSS}`);
});

async function program(t: TestContext) {
  const place = await puppetPlace(t);
  const path = join(place.directory, 'puppet');
  const puppet = hostPuppet({ configuredPath: path, launcher: 'group', graceMs: 300 });
  return {
    async run(does: string, runId: string) {
      await writeFile(path, `${PRELUDE}${does}\n`, { mode: 0o755 });
      let exit: PuppetExit | undefined;
      const apply: typeof puppet.apply = async (...words) => {
        exit = await puppet.apply(...words);
        return exit;
      };
      const hangs = LIMIT === rows[t.name]?.[3] && runId === 'run-1';
      const timeLimitSeconds = hangs ? 0.4 : 60;
      const summary = await place.run({ ...puppet, apply }, { runId, timeLimitSeconds });
      return { ...summary, exit };
    },
    async pids() {
      const text = await readFile(join(place.directory, 'pids'), 'utf8').catch(() => '');
      return text.split('\n').filter(Boolean).map(Number);
    },
  };
}
