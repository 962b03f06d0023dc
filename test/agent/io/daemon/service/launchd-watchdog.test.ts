import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { steppedSleep } from '../../../../support/stepped-sleep.ts';

const WATCHDOG = join(
  import.meta.dirname,
  '../../../../../agent/io/daemon/service/launchd-watchdog.ts',
);

/** Answers each question and each ping by a line. The end of input stops it. */
const DAEMON = `
import { startLaunchdWatchdog } from ${JSON.stringify(WATCHDOG)};
const stop = new AbortController();
let isAlive = true;
startLaunchdWatchdog(stop.signal, () => {
  console.log(isAlive);
  return isAlive;
}, 10);
process.stdin.on('data', (words) => {
  if (String(words).includes('hang')) isAlive = false;
  else console.log('pong');
});
process.stdin.on('end', () => stop.abort());
`;

async function watched(t: TestContext) {
  const { path, tick } = await steppedSleep(t);
  const daemon = spawn(process.execPath, ['--input-type=module', '--eval', DAEMON], {
    env: { ...process.env, PATH: path },
    stdio: 'pipe',
  });
  t.after(() => daemon.kill('SIGKILL'));
  const answers = createInterface(daemon.stdout)[Symbol.asyncIterator]();
  const answered = async (wanted: 'true' | 'false' | 'pong') => {
    for (let answer = ''; answer !== wanted; ) {
      const { value, done } = await answers.next();
      assert.ok(done !== true, 'the daemon has ended');
      answer = value;
    }
  };
  const ended = once(daemon, 'exit');
  const early = () => assert.fail('the daemon was ended too early');
  return {
    daemon,
    answered,
    ended,
    /** Ends when the watcher has ended, too, which has the same stderr. */
    said: text(daemon.stderr),
    tick,
    tickAlive: async () => await Promise.race([tick(), ended.then(early)]),
    /**
     * Answers before the pong may be old. The first of two answers has become a beat when the
     * second one is read.
     */
    async beatAndTick() {
      daemon.stdin.write('ping\n');
      for (const wanted of ['pong', 'true', 'true'] as const) await answered(wanted);
      await this.tickAlive();
    },
  };
}

type Watched = Awaited<ReturnType<typeof watched>>;

const HANGS: Readonly<Record<string, (subject: Watched) => Promise<void>>> = {
  'whose event loop is blocked': async ({ daemon }) => {
    daemon.kill('SIGSTOP');
  },
  'whose loop makes no progress': async ({ daemon, answered }) => {
    daemon.stdin.write('hang\n');
    await answered('false');
  },
};
for (const [name, hang] of Object.entries(HANGS)) {
  test(`launchd watchdog: a daemon ${name} is ended, and not before`, async (t) => {
    const subject = await watched(t);
    const { daemon, ended, said, tick, tickAlive } = subject;
    for (let pause = 0; pause < 12; pause++) await subject.beatAndTick();
    await hang(subject);
    // The last beat may have come before the last pause had ended, or after it.
    for (let pause = 0; pause < 3; pause++) await tickAlive();
    assert.deepEqual([daemon.exitCode, daemon.signalCode], [null, null]);
    for (let pause = 0; pause < 2; pause++) await Promise.race([tick(), ended]);
    assert.deepEqual(await ended, [null, 'SIGKILL']);
    assert.match(await said, /^mm-agent made no progress for 5 pauses of 60 s: .*\n$/);
  });
}

test('launchd watchdog: it ends with a daemon that stops', async (t) => {
  const subject = await watched(t);
  const { daemon, ended, said, tick } = subject;
  await subject.beatAndTick();
  daemon.stdin.end();
  assert.deepEqual(await ended, [0, null]);
  // One sleep may have begun before.
  const watches = tick()
    .then(tick)
    .then(() => 'it still watches');
  assert.equal(await Promise.race([said, watches]), '');
});

test('launchd watchdog: after a daemon that was killed it ends, and kills nobody', async (t) => {
  const subject = await watched(t);
  const { daemon, ended, said, tick } = subject;
  await subject.beatAndTick();
  daemon.kill('SIGKILL');
  await ended;
  for (let pause = 0; pause < 5; pause++) await Promise.race([tick(), said]);
  assert.equal(await said, '');
});
