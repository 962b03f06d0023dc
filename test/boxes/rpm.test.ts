import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { AGENT } from '../../packaging/linux/agent.ts';
import type { Parts } from '../../packaging/linux/contents.ts';
import { planRpm } from '../../packaging/rpm/rpm.ts';
import { type Box, bootBox } from './box.ts';
import { type Fleet, startFleet } from './fleet.ts';
import { type BoxHost, boxHost, UNIT } from './host.ts';
import { builtParts, NEXT, nextParts } from './parts.ts';
import { inEachSuite } from './steps.ts';
import { puppetPackages } from './suites.ts';

/**
 * The package for the RedHat family in a booted Debian with rpm: from installation to erasure. Its
 * dependencies are not looked for, because Debian's packages are not in rpm's database.
 */

const SITE = 'miyamoto-site-ubuntu';
const RPM = 'rpm --dbpath /var/lib/rpm';
let directory: string;
let parts: Parts;
let fleet: Fleet;
let box: Box;
let host: BoxHost;

inEachSuite('rpm', (suite, step) => {
  const stack = new AsyncDisposableStack();
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'miyamoto-rpm-test-'));
    stack.defer(() => rm(directory, { recursive: true }));
    parts = await builtParts(directory);
    fleet = stack.use(await startFleet(directory, join(parts.bundleDirectory, 'mm.mjs')));
    const packages = [...puppetPackages(suite), 'rpm'];
    box = stack.use(await bootBox(`rpm-${suite}-${process.pid}`, { suite, packages }));
    host = boxHost(box, fleet);
    await box.push(await built('first', parts), '/root/agent.rpm');
    await box.push(await built('next', await nextParts(parts)), '/root/next.rpm');
  });
  after(() => stack.disposeAsync());

  step('two builds are byte-identical', async () => {
    const [first, again] = [join(directory, 'first.rpm'), await built('again', parts)];
    assert.ok((await readFile(first)).equals(await readFile(again)));
  });

  step('installed and enabled, it does nothing until it is configured', async () => {
    await box.sh(`${RPM} --install --nodeps /root/agent.rpm`);
    assert.equal(await box.sh(`${RPM} --verify --nodeps miyamoto-agent`), '');
    assert.match(await box.exec('mm-agent', '--version'), /^\d+\.\d+\.\d+\n$/);
    const owners = await box.sh(
      `${RPM} --query --queryformat '[%{FILEUSERNAME}:%{FILEGROUPNAME}\n]' miyamoto-agent`,
    );
    assert.deepEqual(new Set(owners.trim().split('\n')), new Set(['root:root']));
    assert.equal(await box.exec('systemctl', 'is-enabled', UNIT), 'enabled\n');
    await assert.rejects(box.exec('systemctl', 'is-enabled', 'mm-agent-boot.service'));
    const { ActiveState, ConditionResult, NRestarts } = await host.show();
    assert.deepEqual({ ActiveState, ConditionResult, NRestarts }, AT_REST);
  });

  step(
    'the site package starts it; Puppet upgrades the agent during the run, which is reported',
    async () => {
      await fleet.publish(`exec { '${RPM} --upgrade --nodeps /root/next.rpm && touch /root/upgraded':
    alias => 'upgrade', creates => '/root/upgraded', provider => shell }\n`);
      const { '/root/.aws/credentials': credentials = '' } = fleet.hostFiles;
      await host.place('/root/.aws/credentials', credentials);
      await box.push(await fleet.sitePackage('rpm'), '/root/site.rpm');
      await box.sh(`${RPM} --install --nodeps /root/site.rpm; ${RPM} --verify --nodeps ${SITE}`);
      const pid = await host.mainPid();
      const { run } = await host.reported(({ run }) => run?.changedResourcesTotal === 1);
      assert.equal(run?.status, 'changed');
      assert.equal(await installed(), `${NEXT}\n`);
      await host.eventually('the new agent runs', async () => {
        assert.notEqual(await host.mainPid(), pid);
      });
      assert.equal(await box.sh(`${RPM} --verify --nodeps miyamoto-agent`), '');
      assert.equal(await box.exec('systemctl', 'is-enabled', UNIT), 'enabled\n');
    },
  );

  step('a downgrade keeps what the administrator switched off', async () => {
    await box.exec('systemctl', 'disable', '--now', UNIT);
    await box.sh(`${RPM} --upgrade --nodeps --oldpackage /root/agent.rpm`);
    assert.equal(await installed(), `${parts.release.version}\n`);
    await assert.rejects(box.exec('systemctl', 'is-enabled', UNIT));
    assert.equal((await host.show())['ActiveState'], 'inactive');
  });

  step(
    'after the erasure the run has ended, and only what the administrator changed is left',
    async () => {
      await box.exec('systemctl', 'enable', '--now', UNIT);
      await host.startRun('erase');
      await box.sh(
        `echo '# own' >>/etc/miyamoto/agent.yaml; ${RPM} --erase ${SITE} miyamoto-agent`,
      );
      assert.equal((await host.show())['ActiveState'], 'inactive');
      await host.reported(({ run }) => run?.status === 'killed');
      const left = await box.sh(
        'find / /run -xdev \\( -path "*/miyamoto*" -o -name "*mm-agent*" -o -name "mm-puppet*" \\) | sort',
      );
      assert.deepEqual(left.trim().split('\n'), [
        '/etc/miyamoto',
        '/etc/miyamoto/agent.yaml.rpmsave',
      ]);
    },
  );
});

const AT_REST = { ActiveState: 'inactive', ConditionResult: 'no', NRestarts: '0' };

/** The path of the agent's package. */
async function built(name: string, of: Parts): Promise<string> {
  const path = join(directory, `${name}.rpm`);
  await (await planRpm(AGENT, of, 'zstd')).write(path);
  return path;
}

function installed(): Promise<string> {
  return box.sh(`${RPM} --query --queryformat '%{VERSION}\n' miyamoto-agent`);
}
