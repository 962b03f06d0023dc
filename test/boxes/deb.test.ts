import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { EXIT_CODES } from '../../agent/core/exit-code.ts';
import { planDeb } from '../../packaging/deb/deb.ts';
import { AGENT } from '../../packaging/linux/agent.ts';
import type { Parts } from '../../packaging/linux/linux-package.ts';
import { type Box, bootBox } from './box.ts';
import { type Fleet, startFleet } from './fleet.ts';
import { type BoxHost, boxHost, UNIT } from './host.ts';
import { builtParts, NEXT, nextParts } from './parts.ts';
import { inEachSuite } from './steps.ts';
import { puppetPackages } from './suites.ts';

/**
 * The package in a booted Debian: one host's life from installation to purge, told in order. Each
 * step begins where the one before it ended.
 */

let directory: string;
let parts: Parts;
let fleet: Fleet;
let box: Box;
let host: BoxHost;

inEachSuite('deb', (suite, step) => {
  const stack = new AsyncDisposableStack();
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'miyamoto-deb-test-'));
    stack.defer(() => rm(directory, { recursive: true }));
    parts = await builtParts(directory);
    fleet = stack.use(await startFleet(directory, join(parts.bundleDirectory, 'mm.mjs')));
    const packages = puppetPackages(suite);
    box = stack.use(await bootBox(`deb-${suite}-${process.pid}`, { suite, packages }));
    host = boxHost(box, fleet);
    await box.push(await built('agent', parts), '/root/agent.deb');
    await box.push(await built('next', await nextParts(parts)), '/root/next.deb');
  });
  after(() => stack.disposeAsync());

  step('two builds are byte-identical', async () => {
    const [first, again] = [join(directory, 'agent.deb'), await built('again', parts)];
    assert.ok((await readFile(first)).equals(await readFile(again)));
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

  step('systemd-analyze finds no mistake in the unit and a small exposure', async () => {
    for (const unit of [UNIT, 'mm-agent-boot.service']) {
      const verified = await box.sh(`systemd-analyze verify --man=no ${unit} 2>&1`);
      // Systemd 252 is older than this key. The boot unit names the other one: both are read.
      assert.equal(verified.replace(/^.*Unknown key 'OpenFile'.*\n/m, ''), '', unit);
    }
    // In tenths: 9.6 without any of the sandbox.
    await box.exec('systemd-analyze', 'security', '--threshold=25', UNIT);
  });

  step(
    'a configuration with a mistake fails once, and the journal says what is wrong',
    async () => {
      await host.place('/etc/miyamoto/agent.yaml', 'bukket: x\n');
      await assert.rejects(box.exec('systemctl', 'start', UNIT));
      await assertFailedOnce();
      assert.match(await host.journal(), /bukket/);
    },
  );

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
    await host.startRun('restart');
    const pid = await host.mainPid();
    await box.exec('systemctl', 'restart', UNIT);
    assert.notEqual(await host.mainPid(), pid);
    assert.match(await host.journal(), /cycle\.continues .*Puppet goes on/);
    await host.completeRun('restart');
  });

  step('a run continues through a stop of the agent, and its outcome is reported', async () => {
    await host.startRun('stop');
    await box.exec('systemctl', 'stop', UNIT);
    const { ActiveState, Result, ExecMainStatus } = await host.show();
    assert.deepEqual({ ActiveState, Result, ExecMainStatus }, STOPPED);
    await host.completeRun('stop');
    await idle();
    await box.exec('systemctl', 'start', UNIT);
  });

  step('Puppet upgrades the agent during a run, which is reported', async () => {
    const pid = await host.mainPid();
    await fleet.publish(`exec { 'dpkg --install /root/next.deb && touch /root/upgraded':
    alias => 'upgrade', creates => '/root/upgraded', provider => shell }\n`);
    await host.runNow();
    const { run } = await host.reported(
      ({ run }) => run?.changedResourcesTotal === 1 && run.changedResources[0]?.includes('dpkg'),
    );
    assert.equal(run?.status, 'changed');
    assert.equal(await installed(), `installed ${NEXT}`);
    assert.equal(await box.exec('mm-agent', '--version'), `${NEXT}\n`);
    assert.notEqual(await host.mainPid(), pid);
    assert.equal((await host.show())['ActiveState'], 'active');
  });

  step('a downgrade restarts the agent and keeps the schedule: no run is added', async () => {
    await idle();
    const [before, pid] = [await planned(), await host.mainPid()];
    await box.exec('dpkg', '--install', '/root/agent.deb');
    assert.equal(await installed(), `installed ${parts.release.version}`);
    assert.notEqual(await host.mainPid(), pid);
    await host.eventually('the new agent has planned', async () => {
      assert.ok(![null, before.lastPollAt].includes((await planned()).lastPollAt));
    });
    const { nextRunAt, run } = await planned();
    assert.deepEqual({ nextRunAt, run }, { nextRunAt: before.nextRunAt, run: before.run });
  });

  const KEPT = {
    stopped: [`systemctl stop ${UNIT}`, 'enabled'],
    disabled: [`systemctl disable --now ${UNIT}`, 'disabled'],
    masked: [`systemctl mask --now ${UNIT}`, 'masked'],
  } as const;
  step(
    'an upgrade and a downgrade leave a stopped, disabled or masked agent as it is',
    async () => {
      for (const [name, [command, state]] of Object.entries(KEPT)) {
        await box.sh(command);
        for (const file of ['next', 'agent']) {
          await box.exec('dpkg', '--install', `/root/${file}.deb`);
          const { ActiveState, UnitFileState } = await host.show();
          assert.deepEqual([ActiveState, UnitFileState], ['inactive', state], `${name}, ${file}`);
        }
        await box.sh(`systemctl unmask ${UNIT}; systemctl enable --now ${UNIT}`);
      }
    },
  );

  step('an upgrade starts an agent that had failed', async () => {
    await box.sh(`cp /etc/miyamoto/agent.yaml /root; echo 'bukket: x' >>/etc/miyamoto/agent.yaml`);
    await assert.rejects(box.exec('systemctl', 'restart', UNIT));
    await assertFailedOnce();
    await box.sh('cp /root/agent.yaml /etc/miyamoto/; dpkg --install /root/next.deb');
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

  step('dpkg asks before it replaces an agent.yaml that was changed, and can keep it', async () => {
    await box.sh("echo '# own' >>/etc/miyamoto/agent.yaml");
    await appendFile(fleet.agentConfigFile, '# newer\n');
    await box.push(await fleet.sitePackage('deb'), '/root/site.deb');
    await assert.rejects(box.sh('dpkg --install /root/site.deb </dev/null'), /conffile prompt/);
    await box.exec('dpkg', '--force-confold', '--install', '/root/site.deb');
    assert.match(await box.exec('cat', '/etc/miyamoto/agent.yaml'), /^# own$/m);
    assert.match(await box.exec('cat', '/etc/miyamoto/agent.yaml.dpkg-dist'), /^# newer$/m);
  });

  step('it stops cleanly', async () => {
    await box.exec('systemctl', 'stop', UNIT);
    const { ActiveState, Result, ExecMainStatus } = await host.show();
    assert.deepEqual({ ActiveState, Result, ExecMainStatus }, STOPPED);
  });

  step('after remove its state and configuration stay, and a run has ended', async () => {
    await box.exec('systemctl', 'start', UNIT);
    await host.startRun('remove');
    await box.exec('dpkg', '--remove', 'miyamoto-site-ubuntu', 'miyamoto-agent');
    assert.equal((await host.show())['ActiveState'], 'inactive');
    const { run } = await host.reported(({ run }) => run?.status === 'killed');
    assert.equal(run?.killedBy, 'stopped');
    await box.sh('test -e /var/lib/miyamoto/state.json && test -e /etc/miyamoto/agent.yaml');
  });

  step('after purge nothing is left', async () => {
    await box.exec('rm', '-r', '/etc/systemd/system/mm-agent.service.d');
    await box.exec('dpkg', '--purge', 'miyamoto-site-ubuntu', 'miyamoto-agent');
    const left = await box.sh(
      'find / /run -ignore_readdir_race -xdev \\( -name "*miyamoto*" -o -name "*mm-agent*" -o -name "mm-puppet*" \\)',
    );
    assert.equal(left, '');
  });
});

const AT_REST = { ActiveState: 'inactive', ConditionResult: 'no', NRestarts: '0' };
const STOPPED = { ActiveState: 'inactive', Result: 'success', ExecMainStatus: '0' };

/** The path of the agent's package. */
async function built(name: string, of: Parts): Promise<string> {
  const path = join(directory, `${name}.deb`);
  await (await planDeb(AGENT, of, 'zstd')).write(path);
  return path;
}

function installed(): Promise<string> {
  return box.sh(`dpkg-query --show --showformat='\${db:Status-Status} \${Version}' miyamoto-agent`);
}

/** What the host itself says about its last run and its next one. */
async function planned() {
  const { nextRunAt, lastPollAt, run } = JSON.parse(await box.exec('mm-agent', 'status', '--json'));
  return { nextRunAt, lastPollAt, run };
}

async function assertFailedOnce(): Promise<void> {
  const { ActiveState, NRestarts, ExecMainStatus } = await host.show();
  assert.deepEqual(
    [ActiveState, NRestarts, ExecMainStatus],
    ['failed', '0', String(EXIT_CODES.config.code)],
  );
}

/** Waits until no cycle runs any more. */
async function idle(): Promise<void> {
  await host.eventually('the last cycle has ended', () =>
    box.sh('! grep -q -e "--[o]nce" /proc/[0-9]*/cmdline 2>/dev/null'),
  );
}
