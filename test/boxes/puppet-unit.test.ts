import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Box, bootBox } from './box.ts';
import { bundleDriver } from './driver.ts';
import { puppetPackages, suites } from './suites.ts';

/** Puppet in a transient unit, started by an agent in the sandbox of `mm-agent.service`. */

const FIXTURES = join(import.meta.dirname, '../fixtures/puppet');
let box: Box;

for (const suite of suites())
  describe(`unit, ${suite}`, () => {
    const stack = new AsyncDisposableStack();

    before(async () => {
      const directory = await mkdtemp(join(tmpdir(), 'miyamoto-unit-test-'));
      stack.defer(() => rm(directory, { recursive: true }));
      const driver = join(directory, 'driver.mjs');
      await bundleDriver(driver);
      const packages = puppetPackages(suite);
      box = stack.use(await bootBox(`unit-${suite}-${process.pid}`, { suite, packages }));
      await box.push(process.execPath, '/root/node');
      await box.push(driver, '/root/driver.mjs');
      await box.push(join(FIXTURES, 'fake'), '/root/fake');
      await box.sh(`mkdir -p ${STATE}/environments/stable/manifests`);
    });
    after(() => stack.disposeAsync());

    test('unit: exit codes are returned, and arguments are passed unchanged', async () => {
      const exits = { runId: 'exits', environment: { FAKE: 'exits', CODE: '6' } };
      assert.deepEqual((await drive(exits)).end, { kind: 'exited', exitCode: 6 });
      const word = `--one=$HOME $${'{PATH}'} %n "two"`;
      const { lines } = await drive({
        runId: 'shows',
        environment: { FAKE: 'shows', TOKEN: "it's" },
        extraArguments: [word],
      });
      assert.doesNotMatch(await box.sh(`ls ${STATE}/runs/shows`), /environment/);
      for (const line of [`<${word}>`, '0022', '/', 'HOME=/root', "TOKEN=it's"])
        assert.ok(lines.includes(line), line);
    });

    test('unit: an end by SIGTERM is not a success', async () => {
      for (const signal of ['TERM', 'KILL']) {
        const { end } = await drive({
          runId: `dies-${signal}`,
          environment: { FAKE: 'dies', SIGNAL: signal },
        });
        assert.deepEqual(end, { kind: 'killed', signal: `SIG${signal}`, why: 'foreign' });
      }
    });

    test('unit: the time limit ends processes that hang, and leaves services', async () => {
      const pids = `${STATE}/pids`;
      const hangs = {
        runId: 'hangs',
        seconds: 2,
        environment: { FAKE: 'hangs', PIDS: `${pids}-hangs` },
      };
      assert.deepEqual((await drive(hangs)).end, {
        kind: 'killed',
        signal: 'SIGKILL',
        why: 'time-limit',
      });
      await assert.rejects(box.sh(`kill -0 $(cat ${pids}-hangs)`));
      const leaves = {
        runId: 'leaves',
        environment: { FAKE: 'leaves-service', PIDS: `${pids}-leaves` },
      };
      assert.deepEqual((await drive(leaves)).end, { kind: 'exited', exitCode: 2 });
      await box.sh(`kill -0 $(cat ${pids}-leaves); kill $(cat ${pids}-leaves)`);
    });

    test('unit: a run outlives its agent, and the next agent reads its exit code', async () => {
      await box.sh(`cat >${STATE}/environments/stable/manifests/site.pp <<'END'
exec { '/bin/systemctl kill --signal=KILL apply-outlives.service': }
-> exec { '/bin/sleep 2': }
-> file { '/etc/outlived': content => 'x', mode => '4755' }
END`);
      const asked = { runId: 'outlives', puppet: '/usr/bin/puppet' };
      await assert.rejects(drive(asked));
      const { end } = await drive({ ...asked, verb: 'pickUp' });
      assert.deepEqual(end, { kind: 'exited', exitCode: 2 });
      assert.equal(await box.sh('stat -c %a /etc/outlived'), '4755\n');
      const report = await box.sh(`cat ${STATE}/runs/outlives/report.json`);
      assert.equal(JSON.parse(report).status, 'changed');
    });
  });

const STATE = '/var/lib/mm';
const SANDBOX = [
  'CapabilityBoundingSet=CAP_KILL',
  'NoNewPrivileges=yes',
  'ProtectSystem=strict',
  `ReadWritePaths=${STATE}`,
  'PrivateTmp=yes',
  'PrivateDevices=yes',
  'ProtectControlGroups=yes',
  'RestrictSUIDSGID=yes',
  'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6',
  'SystemCallFilter=@system-service',
  'SystemCallFilter=~@privileged @resources',
].flatMap((property) => ['-p', property]);

interface Asked {
  readonly verb?: 'apply' | 'pickUp';
  readonly runId: string;
  readonly puppet?: string;
  readonly seconds?: number;
  readonly environment?: Readonly<Record<string, string>>;
  readonly extraArguments?: readonly string[];
}

/** The command that starts an agent in the box, as a service of that name, and waits for it. */
function agent(asked: Asked): string[] {
  const { verb = 'apply', runId, seconds = 60, puppet = '/root/fake', environment = {} } = asked;
  const options = { launcher: 'systemd', graceMs: 500, environment };
  const request = {
    runId,
    runDirectory: `${STATE}/runs/${runId}`,
    puppet: { path: puppet, version: '7.23.0' },
    environmentPath: `${STATE}/environments`,
    environment: 'stable',
    releaseLabel: '1.0.0',
    viewPath: `${STATE}/view`,
    certname: 'h1.example.com',
    noop: false,
    tags: [],
    skipTags: [],
    debug: false,
    extraArguments: asked.extraArguments ?? [],
    timeLimitSeconds: seconds,
  };
  const words = [options, request].map((value) => JSON.stringify(value).replaceAll('$', '$$$$'));
  const service = [
    'systemd-run',
    '--quiet',
    '--wait',
    '--pipe',
    '--collect',
    `--unit=${verb}-${runId}`,
  ];
  return [...service, ...SANDBOX, '/root/node', '/root/driver.mjs', verb, ...words];
}

/** What the agent printed; the last line is the end of the run. */
async function drive(asked: Asked): Promise<{ readonly lines: string[]; readonly end: unknown }> {
  const lines = (await box.exec(...agent(asked))).trim().split('\n');
  const end = JSON.parse(lines.pop() ?? '');
  assert.equal(
    await box.sh(
      `systemctl list-units --all --no-legend 'mm-puppet-${asked.runId}*' | grep -v inactive || :`,
    ),
    '',
  );
  return { lines, end };
}
