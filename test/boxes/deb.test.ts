import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { EXIT_CODES } from '../../agent/core/exit-code.ts';
import type { StatusDocument } from '../../bucket/documents/status.ts';
import { build, PROGRAMS } from '../../packaging/build.ts';
import { buildDeb } from '../../packaging/deb/deb.ts';
import { type Box, bootBox } from './box.ts';
import { type Fleet, startFleet } from './fleet.ts';

/**
 * The package in a booted Debian: one host's life from installation to purge, told in order. Each
 * step begins where the one before it ended.
 */

const UNIT = 'mm-agent.service';
const stack = new AsyncDisposableStack();
let directory: string;
let deb: string;
let fleet: Fleet;
let box: Box;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'miyamoto-deb-test-'));
  stack.defer(() => rm(directory, { recursive: true }));
  const bundleDirectory = join(directory, 'dist');
  await build({ programs: PROGRAMS, outputDirectory: bundleDirectory });
  const outputDirectory = join(directory, 'build');
  deb = await buildDeb({ bundleDirectory, outputDirectory, compression: 'zstd' });
  fleet = stack.use(await startFleet(directory, join(bundleDirectory, 'mm.mjs')));
  const packages = ['puppet-agent', 'facter'];
  const suite = process.env['BOX_SUITE'] ?? 'bookworm';
  box = stack.use(await bootBox(`deb${process.pid}`, { suite, packages }));
  await box.push(deb, '/root/agent.deb');
});
after(() => stack.disposeAsync());

let brokenBy: string | undefined;
function step(name: string, body: () => Promise<void>): void {
  test(`deb: ${name}`, async () => {
    assert.equal(brokenBy, undefined, 'an earlier step failed');
    brokenBy = name;
    await body();
    brokenBy = undefined;
  });
}

step('two builds are byte-identical', async () => {
  const again = {
    bundleDirectory: join(directory, 'dist'),
    outputDirectory: join(directory, 'again'),
  };
  const second = await buildDeb({ ...again, compression: 'zstd' });
  assert.ok((await readFile(deb)).equals(await readFile(second)));
});

step('installed, enabled, and at rest until it is configured', async () => {
  await box.exec('dpkg', '--install', '/root/agent.deb');
  assert.equal(await box.exec('dpkg', '--verify', 'miyamoto-agent'), '');
  assert.match(await box.exec('mm-agent', '--version'), /^\d+\.\d+\.\d+\n$/);
  assert.equal(await box.exec('systemctl', 'is-enabled', UNIT), 'enabled\n');
  await box.exec('systemctl', 'start', UNIT);
  const { ActiveState, ConditionResult, NRestarts } = await show();
  assert.deepEqual({ ActiveState, ConditionResult, NRestarts }, AT_REST);
});
const AT_REST = { ActiveState: 'inactive', ConditionResult: 'no', NRestarts: '0' };

step('systemd finds nothing to say about the unit, and little that it may do', async () => {
  const verified = await box.sh(`systemd-analyze verify --man=no ${UNIT} 2>&1`);
  // Systemd 252 is older than this key.
  assert.equal(verified.replace(/^.*Unknown key 'OpenFile'.*\n/m, ''), '');
  // In tenths: 9.6 without any of the sandbox.
  await box.exec('systemd-analyze', 'security', '--threshold=25', UNIT);
});

step('a configuration with a mistake fails once, and the journal says what is wrong', async () => {
  await place('/etc/miyamoto/agent.yaml', 'bukket: x\n');
  await assert.rejects(box.exec('systemctl', 'start', UNIT));
  await assertFailedOnce();
  assert.match(await journal(), /bukket/);
});

step('no trust root fails once', async () => {
  for (const [path, text] of Object.entries(fleet.hostFiles)) await place(path, text);
  await assert.rejects(box.exec('systemctl', 'start', UNIT));
  await assertFailedOnce();
  assert.match(await journal(), /root\.json/);
});

step(
  "with all in place it polls, applies and reports, and the journal has Puppet's lines",
  async () => {
    await box.push(fleet.rootFile, '/etc/miyamoto/root.json');
    await fleet.publish(`file { '/root/made-by-puppet': content => "\${facts['kernel']}\\n" }\n`);
    await box.exec('systemctl', 'start', UNIT);
    const { run } = await reported(({ run }) => run?.status === 'changed');
    assert.deepEqual(run?.changedResources, ['File[/root/made-by-puppet]']);
    assert.equal(await box.exec('cat', '/root/made-by-puppet'), 'Linux\n');
    assert.equal(fleet.facts()?.facts['kernel'], 'Linux');
    assert.match(await journal(), / mm-agent\[\d+\]: .*made-by-puppet.*defined content/);
  },
);

step('a run goes on through a restart of the agent, and its outcome is reported', async () => {
  await fleet.publish(WAITING);
  await runNow();
  await eventually('the run is under way', () => box.sh('test -e /root/started'));
  const pid = await mainPid();
  await box.exec('systemctl', 'restart', UNIT);
  assert.notEqual(await mainPid(), pid);
  await box.exec('touch', '/root/go');
  const { run } = await reported(({ run }) => run?.changedResources.includes('Exec[wait]'));
  assert.deepEqual([run?.status, run?.exitCode], ['changed', 2]);
});
/** Runs until the test lets it end, and changes nothing the next time. */
const WAITING = `exec { 'wait':
  command  => 'touch /root/started; until test -e /root/go; do sleep 0.1; done; touch /root/waited',
  creates  => '/root/waited',
  provider => shell,
}
`;

step('Puppet upgrades the agent in the middle of a run', async () => {
  const pid = await mainPid();
  await fleet.publish(`exec { 'dpkg --install /root/agent.deb && touch /root/upgraded':
    alias => 'upgrade', creates => '/root/upgraded', provider => shell }\n`);
  await runNow();
  const { run } = await reported(
    ({ run }) => run?.changedResourcesTotal === 1 && run.changedResources[0]?.includes('dpkg'),
  );
  assert.equal(run?.status, 'changed');
  const state = await box.exec(
    'dpkg-query',
    '--show',
    `--showformat=\${db:Status-Status}`,
    'miyamoto-agent',
  );
  assert.equal(state, 'installed');
  assert.notEqual(await mainPid(), pid);
  assert.equal((await show())['ActiveState'], 'active');
});

step('systemd reads the configuration again on reload', async () => {
  await box.exec('systemctl', 'reload', UNIT);
  await eventually('it says so', async () => assert.match(await journal(), /config\.reloaded/));
});

step('the watchdog lets a live agent be, and restarts one that hangs', async () => {
  await place(
    '/etc/systemd/system/mm-agent.service.d/test.conf',
    '[Service]\nWatchdogSec=9s\nRestartSec=0\n',
  );
  await box.sh(`systemctl daemon-reload; systemctl restart ${UNIT}`);
  const pid = await mainPid();
  const seen = new Set<string | undefined>();
  await eventually('pings arrive', async () => {
    seen.add((await show())['WatchdogTimestampMonotonic']);
    assert.ok(seen.size > 3);
  });
  assert.equal(await mainPid(), pid);

  await box.exec('systemctl', 'kill', '--kill-whom=main', '--signal=STOP', UNIT);
  await eventually('another agent runs', async () => {
    const { ActiveState, MainPID, NRestarts } = await show();
    assert.deepEqual([ActiveState, MainPID === pid, NRestarts === '0'], ['active', false, false]);
  });
  assert.match(await journal(), /[Ww]atchdog timeout/);
});

step('it stops cleanly', async () => {
  await box.exec('systemctl', 'stop', UNIT);
  const { ActiveState, Result, ExecMainStatus } = await show();
  assert.deepEqual({ ActiveState, Result, ExecMainStatus }, STOPPED);
});
const STOPPED = { ActiveState: 'inactive', Result: 'success', ExecMainStatus: '0' };

step('removed, it leaves its state and configuration; purged, nothing', async () => {
  await box.exec('systemctl', 'start', UNIT);
  await box.exec('dpkg', '--remove', 'miyamoto-agent');
  assert.equal((await show())['ActiveState'], 'inactive');
  await box.sh('test -e /var/lib/miyamoto/state.json && test -e /etc/miyamoto/agent.yaml');
  await idle();
  await box.sh('rm -r /etc/systemd/system/mm-agent.service.d; dpkg --purge miyamoto-agent');
  const left = await box.sh(
    'find / /run -xdev \\( -name "*miyamoto*" -o -name "*mm-agent*" -o -name "mm-puppet*" \\)',
  );
  assert.equal(left, '');
});

async function place(path: string, text: string): Promise<void> {
  const local = join(directory, 'place');
  await writeFile(local, text);
  await box.exec('mkdir', '-p', join(path, '..'));
  await box.push(local, path);
}

type Shown = Readonly<Record<string, string | undefined>>;

async function show(): Promise<Shown> {
  const text = await box.exec('systemctl', 'show', UNIT);
  return Object.fromEntries(text.split('\n').map((line) => line.split(/=(.*)/s)));
}

async function mainPid(): Promise<string> {
  const { MainPID = '0' } = await show();
  assert.notEqual(MainPID, '0');
  return MainPID;
}

async function assertFailedOnce(): Promise<void> {
  const { ActiveState, NRestarts, ExecMainStatus } = await show();
  assert.deepEqual(
    [ActiveState, NRestarts, ExecMainStatus],
    ['failed', '0', String(EXIT_CODES.config.code)],
  );
}

function journal(): Promise<string> {
  return box.exec('journalctl', '--no-pager', '--unit', UNIT);
}

async function runNow(): Promise<void> {
  await box.exec('systemctl', 'kill', '--kill-whom=main', '--signal=USR1', UNIT);
}

/** The status document once it says that. */
async function reported(
  says: (status: StatusDocument) => boolean | undefined,
): Promise<StatusDocument> {
  return await eventually('the status in the bucket says so', async () => {
    const status = fleet.status();
    assert.ok(status && says(status), JSON.stringify(status?.run));
    return status;
  });
}

/** No cycle is under way that the stopped daemon left behind. */
async function idle(): Promise<void> {
  await eventually('the last cycle has ended', () =>
    box.sh('! grep -q "[m]m-agent.mjs" /proc/[0-9]*/cmdline 2>/dev/null'),
  );
}

/** Tries until it does not throw; after two minutes with the last error and the journal. */
async function eventually<T>(what: string, attempt: () => Promise<T>): Promise<T> {
  for (const end = Date.now() + 120_000; ; await delay(200)) {
    try {
      return await attempt();
    } catch (cause) {
      if (Date.now() > end) throw new Error(`not: ${what}\n${await journal()}`, { cause });
    }
  }
}
