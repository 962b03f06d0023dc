import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { serviceNotifier } from '../../../../../agent/io/daemon/service/service-notify.ts';
import { waitUntil } from '../../../../support/wait-until.ts';

const SOURCE = pathToFileURL(
  join(import.meta.dirname, '../../../../../agent/io/daemon/service/service-notify.ts'),
);

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'service-notify-'));
  t.after(() => rm(path, { recursive: true }));
  return path;
}

/**
 * Runs `body` in a separate Node, where `notify` has descriptor 3 open on a file; returns the
 * content of the file.
 */
async function inDaemon(t: TestContext, body: string): Promise<string> {
  const path = join(await folder(t), 'notify');
  const file = await open(path, 'a');
  const script = `
    import { serviceNotifier } from '${SOURCE}';
    process.env.LISTEN_PID ??= String(process.pid);
    const notifier = serviceNotifier(process.env);
    ${body}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'inherit', 'inherit', file.fd],
    env: {
      NOTIFY_SOCKET: '/nonexistent',
      LISTEN_FDS: '1',
      LISTEN_FDNAMES: 'notify',
      WATCHDOG_USEC: '30000',
    },
  });
  const [code] = await once(child, 'exit');
  await file.close();
  assert.equal(code, 0);
  return await readFile(path, 'utf8');
}

test('service-notify: messages go through the descriptor that systemd passed', async (t) => {
  const sent = await inDaemon(
    t,
    "notifier.ready(); notifier.status('two\\nlines'); notifier.stopping();",
  );
  assert.equal(sent, 'READY=1STATUS=two linesSTOPPING=1');
});

test('service-notify: a reload carries the clock that systemd compares with', async (t) => {
  assert.match(await inDaemon(t, 'notifier.reloading();'), /^RELOADING=1\nMONOTONIC_USEC=\d+$/);
});

test('service-notify: children get neither the variables nor the descriptor', async (t) => {
  const sent = await inDaemon(
    t,
    `import { spawnSync } from 'node:child_process';
     spawnSync('/bin/sh', ['-c', 'env | grep -E "NOTIFY|WATCHDOG|LISTEN" >&3; echo leaked >&3'], { env: process.env });
     notifier.ready();`,
  );
  assert.equal(sent, 'READY=1');
});

test('service-notify: pings while the event loop runs, and not while it is blocked', async (t) => {
  const sent = await inDaemon(
    t,
    `const stop = new AbortController();
     notifier.startWatchdog(stop.signal);
     let turns = 0;
     const loop = setInterval(() => {
       if (++turns < 20) return;
       clearInterval(loop);
       notifier.status('blocked');
       const until = Date.now() + 100;
       while (Date.now() < until);
       notifier.status('free');
       stop.abort();
       setTimeout(() => {}, 50);
     }, 10);`,
  );
  assert.match(sent, /^(WATCHDOG=1)+STATUS=blockedSTATUS=free$/);
});

test('service-notify: sends no ping while the cycle loop makes no progress', async (t) => {
  const sent = await inDaemon(
    t,
    `const stop = new AbortController();
     let isAlive = true;
     notifier.startWatchdog(stop.signal, () => isAlive);
     setTimeout(() => { isAlive = false; notifier.status('stuck'); }, 100);
     setTimeout(() => { notifier.status('still'); stop.abort(); }, 300);`,
  );
  assert.match(sent, /^(WATCHDOG=1)+STATUS=stuckSTATUS=still$/);
});

test('service-notify: the watchdog keeps no process alive', async (t) => {
  assert.equal(await inDaemon(t, 'notifier.startWatchdog(AbortSignal.any([]));'), '');
});

/** A stand-in for systemd-notify: one line per call. */
async function fakeProgram(
  t: TestContext,
): Promise<{ program: string; calls: () => Promise<string> }> {
  const directory = await folder(t);
  const program = join(directory, 'systemd-notify');
  const log = join(directory, 'calls');
  await writeFile(program, `#!/bin/sh\necho "$NOTIFY_SOCKET $*" >>'${log}'\n`);
  await chmod(program, 0o755);
  return { program, calls: () => readFile(log, 'utf8').catch(() => '') };
}

const withoutDescriptor: Record<string, NodeJS.ProcessEnv> = {
  'older systemd, which passes none': {},
  'descriptors meant for another process': { LISTEN_PID: '1', LISTEN_FDNAMES: 'notify' },
  'descriptors of other names': { LISTEN_PID: String(process.pid), LISTEN_FDNAMES: 'http' },
  'a descriptor that cannot be written': {
    LISTEN_PID: String(process.pid),
    LISTEN_FDNAMES: `${'x:'.repeat(900_000)}notify`,
  },
};
for (const [name, env] of Object.entries(withoutDescriptor)) {
  test(`service-notify: systemd-notify, in order: ${name}`, async (t) => {
    const { program, calls } = await fakeProgram(t);
    const notifier = serviceNotifier(
      { ...env, NOTIFY_SOCKET: '/run/n' },
      { programs: ['/no', program] },
    );
    notifier.ready();
    notifier.status('next poll in 5 min');
    notifier.stopping();
    await waitUntil(async () => (await calls()).includes('STOPPING'));
    assert.equal(
      await calls(),
      '/run/n READY=1\n/run/n STATUS=next poll in 5 min\n/run/n STOPPING=1\n',
    );
  });
}

test('service-notify: without systemd nothing is started', async (t) => {
  const { program, calls } = await fakeProgram(t);
  const env: NodeJS.ProcessEnv = { HOME: '/root', WATCHDOG_USEC: '30000', WATCHDOG_PID: '1' };
  const stop = new AbortController();
  const notifier = serviceNotifier(env, { programs: [program] });
  notifier.ready();
  notifier.startWatchdog(stop.signal);
  stop.abort();
  serviceNotifier({ NOTIFY_SOCKET: '/run/n' }, { programs: [program] }).stopping();
  await waitUntil(async () => (await calls()).includes('STOPPING'));
  assert.equal(await calls(), '/run/n STOPPING=1\n');
  assert.deepEqual(env, { HOME: '/root' });
});

test('service-notify: a message that cannot be a program argument is dropped, and nothing else', async (t) => {
  const { program, calls } = await fakeProgram(t);
  const notifier = serviceNotifier({ NOTIFY_SOCKET: '/run/n' }, { programs: [program] });
  notifier.status('a\0b');
  notifier.stopping();
  await waitUntil(async () => (await calls()).includes('STOPPING'));
  assert.equal(await calls(), '/run/n STOPPING=1\n');
});
