import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { EXIT_CODES } from '../../agent/core/exit-code.ts';
import { build, PROGRAMS } from '../../packaging/build.ts';
import { buildDeb } from '../../packaging/deb/deb.ts';
import { type Box, bootBox } from './box.ts';
import { type Fleet, startFleet } from './fleet.ts';
import { type BoxHost, boxHost, UNIT } from './host.ts';
import { steps } from './steps.ts';

/**
 * The package in a booted Debian: one host's life from installation to purge, told in order. Each
 * step begins where the one before it ended.
 */

const stack = new AsyncDisposableStack();
let directory: string;
let deb: string;
let fleet: Fleet;
let box: Box;
let host: BoxHost;

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
  host = boxHost(box, fleet);
  await box.push(deb, '/root/agent.deb');
});
after(() => stack.disposeAsync());

const step = steps('deb');

step('two builds are byte-identical', async () => {
  const again = {
    bundleDirectory: join(directory, 'dist'),
    outputDirectory: join(directory, 'again'),
  };
  const second = await buildDeb({ ...again, compression: 'zstd' });
  assert.ok((await readFile(deb)).equals(await readFile(second)));
});

step('installed and enabled, it does nothing until it is configured', async () => {
  await box.exec('dpkg', '--install', '/root/agent.deb');
  assert.equal(await box.exec('dpkg', '--verify', 'miyamoto-agent'), '');
  assert.match(await box.exec('mm-agent', '--version'), /^\d+\.\d+\.\d+\n$/);
  assert.equal(await box.exec('systemctl', 'is-enabled', UNIT), 'enabled\n');
  await box.exec('systemctl', 'start', UNIT);
  const { ActiveState, ConditionResult, NRestarts } = await host.show();
  assert.deepEqual({ ActiveState, ConditionResult, NRestarts }, AT_REST);
});
const AT_REST = { ActiveState: 'inactive', ConditionResult: 'no', NRestarts: '0' };

step('systemd-analyze finds no mistake in the unit and a small exposure', async () => {
  for (const unit of [UNIT, 'mm-agent-boot.service']) {
    const verified = await box.sh(`systemd-analyze verify --man=no ${unit} 2>&1`);
    // Systemd 252 is older than this key. The boot unit names the other one, so that both are read.
    assert.equal(verified.replace(/^.*Unknown key 'OpenFile'.*\n/m, ''), '', unit);
  }
  // In tenths: 9.6 without any of the sandbox.
  await box.exec('systemd-analyze', 'security', '--threshold=25', UNIT);
});

step('a configuration with a mistake fails once, and the journal says what is wrong', async () => {
  await host.place('/etc/miyamoto/agent.yaml', 'bukket: x\n');
  await assert.rejects(box.exec('systemctl', 'start', UNIT));
  await assertFailedOnce();
  assert.match(await host.journal(), /bukket/);
});

step('no trust root fails once', async () => {
  for (const [path, text] of Object.entries(fleet.hostFiles)) await host.place(path, text);
  await assert.rejects(box.exec('systemctl', 'start', UNIT));
  await assertFailedOnce();
  assert.match(await host.journal(), /root\.json/);
});

step(
  "with the site package and credentials it polls, applies and reports, and the journal has Puppet's lines",
  async () => {
    await box.sh('rm /etc/miyamoto/agent.yaml');
    await fleet.publish(`file { '/root/made-by-puppet': content => "\${facts['kernel']}\\n" }\n`);
    await box.push(await fleet.sitePackage('deb'), '/root/site.deb');
    await box.exec('systemctl', 'reset-failed', UNIT);
    await box.exec('dpkg', '--install', '/root/site.deb');
    const { run } = await host.reported(({ run }) => run?.status === 'changed');
    assert.deepEqual(run?.changedResources, ['File[/root/made-by-puppet]']);
    assert.equal(await box.exec('cat', '/root/made-by-puppet'), 'Linux\n');
    assert.equal(fleet.facts()?.facts['kernel'], 'Linux');
    assert.match(await host.journal(), / mm-agent\[\d+\]: .*made-by-puppet.*defined content/);
  },
);

step('a run continues through a restart of the agent, and its outcome is reported', async () => {
  await fleet.publish(WAITING);
  await host.runNow();
  await host.eventually('the run is under way', () => box.sh('test -e /root/started'));
  const pid = await host.mainPid();
  await box.exec('systemctl', 'restart', UNIT);
  assert.notEqual(await host.mainPid(), pid);
  await box.exec('touch', '/root/go');
  const { run } = await host.reported(({ run }) => run?.changedResources.includes('Exec[wait]'));
  assert.deepEqual([run?.status, run?.exitCode], ['changed', 2]);
});
/** Runs until the test lets it end, and changes nothing the next time. */
const WAITING = `exec { 'wait':
  command  => 'touch /root/started; until test -e /root/go; do sleep 0.1; done; touch /root/waited',
  creates  => '/root/waited',
  provider => shell,
}
`;

step('Puppet upgrades the agent during a run', async () => {
  const pid = await host.mainPid();
  await fleet.publish(`exec { 'dpkg --install /root/agent.deb && touch /root/upgraded':
    alias => 'upgrade', creates => '/root/upgraded', provider => shell }\n`);
  await host.runNow();
  const { run } = await host.reported(
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
  assert.notEqual(await host.mainPid(), pid);
  assert.equal((await host.show())['ActiveState'], 'active');
});

step('systemd reads the configuration again on reload', async () => {
  await box.exec('systemctl', 'reload', UNIT);
  await host.eventually('it says so', async () =>
    assert.match(await host.journal(), /config\.reloaded/),
  );
});

step('the watchdog leaves a live agent alone, and restarts one that hangs', async () => {
  await host.place(
    '/etc/systemd/system/mm-agent.service.d/test.conf',
    '[Service]\nWatchdogSec=9s\nRestartSec=0\n',
  );
  await box.sh(`systemctl daemon-reload; systemctl restart ${UNIT}`);
  const pid = await host.mainPid();
  const seen = new Set<string | undefined>();
  await host.eventually('pings arrive', async () => {
    seen.add((await host.show())['WatchdogTimestampMonotonic']);
    assert.ok(seen.size > 3);
  });
  assert.equal(await host.mainPid(), pid);

  await box.exec('systemctl', 'kill', '--kill-whom=main', '--signal=STOP', UNIT);
  await host.eventually('another agent runs', async () => {
    const { ActiveState, MainPID, NRestarts } = await host.show();
    assert.deepEqual([ActiveState, MainPID === pid, NRestarts === '0'], ['active', false, false]);
  });
  assert.match(await host.journal(), /[Ww]atchdog timeout/);
});

step('the boot unit, which is not enabled, runs until nothing changes', async () => {
  await assert.rejects(box.exec('systemctl', 'is-enabled', 'mm-agent-boot.service'));
  await box.exec('systemctl', 'start', 'mm-agent-boot.service');
  await box.sh('test -s /run/miyamoto/converged');
  await box.exec('systemctl', 'stop', 'mm-agent-boot.service');
});

step('it stops cleanly', async () => {
  await box.exec('systemctl', 'stop', UNIT);
  const { ActiveState, Result, ExecMainStatus } = await host.show();
  assert.deepEqual({ ActiveState, Result, ExecMainStatus }, STOPPED);
});
const STOPPED = { ActiveState: 'inactive', Result: 'success', ExecMainStatus: '0' };

step('after remove its state and configuration stay; after purge nothing', async () => {
  await box.exec('systemctl', 'start', UNIT);
  await box.exec('dpkg', '--remove', 'miyamoto-site-ubuntu', 'miyamoto-agent');
  assert.equal((await host.show())['ActiveState'], 'inactive');
  await box.sh('test -e /var/lib/miyamoto/state.json && test -e /etc/miyamoto/agent.yaml');
  await idle();
  await box.sh(
    'rm -r /etc/systemd/system/mm-agent.service.d; dpkg --purge miyamoto-site-ubuntu miyamoto-agent',
  );
  const left = await box.sh(
    'find / /run -xdev \\( -name "*miyamoto*" -o -name "*mm-agent*" -o -name "mm-puppet*" \\)',
  );
  assert.equal(left, '');
});

async function assertFailedOnce(): Promise<void> {
  const { ActiveState, NRestarts, ExecMainStatus } = await host.show();
  assert.deepEqual(
    [ActiveState, NRestarts, ExecMainStatus],
    ['failed', '0', String(EXIT_CODES.config.code)],
  );
}

/** Waits until no cycle of the stopped daemon runs any more. */
async function idle(): Promise<void> {
  await host.eventually('the last cycle has ended', () =>
    box.sh('! grep -q "[m]m-agent.mjs" /proc/[0-9]*/cmdline 2>/dev/null'),
  );
}
