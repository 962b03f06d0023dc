import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { after, before } from 'node:test';
import { promisify } from 'node:util';
import { AGENT } from '../../packaging/linux/agent.ts';
import type { Parts } from '../../packaging/linux/linux-package.ts';
import { OPERATOR } from '../../packaging/linux/operator.ts';
import { planRpm } from '../../packaging/rpm/rpm.ts';
import { type Box, bootBox } from './box.ts';
import { followed } from './document.ts';
import { type Fleet, startFleet } from './fleet.ts';
import { type BoxHost, boxHost, UNIT } from './host.ts';
import { builtParts, NEXT, nextParts } from './parts.ts';
import { inEachSuite } from './steps.ts';
import { puppetPackages } from './suites.ts';

/**
 * docs/install.md, followed literally with dnf in a booted Debian: from installation to erasure.
 * One empty package stands for what Debian's own packages bring, because they are not in rpm's
 * database. What does not run here: a system of the RedHat family, and SELinux.
 */

const run = promisify(execFile);

const HOST = 'box.example.com';
const SITE = 'miyamoto-site-ubuntu';
const { commands } = await followed('docs/install.md');
const [makeSite = '', install = '', status = '', ...others] = commands('RedHat family');

let directory: string;
let parts: Parts;
/** The path of the agent's package. */
let first: string;
let fleet: Fleet;
let box: Box;
let host: BoxHost;

inEachSuite('dnf on Debian', (suite, step) => {
  const stack = new AsyncDisposableStack();
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'miyamoto-rpm-test-'));
    stack.defer(() => rm(directory, { recursive: true }));
    parts = await builtParts(directory);
    fleet = stack.use(await startFleet(directory, join(parts.bundleDirectory, 'mm.mjs')));
    const packages = [...puppetPackages(suite), 'rpm', 'dnf'];
    box = stack.use(await bootBox(`rpm-${suite}-${process.pid}`, { suite, packages }));
    host = boxHost(box, fleet);
    await prepare();
    first = await built('first', parts);
    await pushRpm('/root', first);
    await pushRpm('/root/next', await built('next', await nextParts(parts)));
  });
  after(() => stack.disposeAsync());

  step('two builds are byte-identical', async () => {
    const again = await built('again', parts);
    assert.ok((await readFile(first)).equals(await readFile(again)));
  });

  step('mm is installed, starts, and leaves nothing', async () => {
    await pushRpm('/root/mm', await built('mm', parts, OPERATOR));
    await asRoot('dnf install ./mm/miyamoto-*.x86_64.rpm');
    assert.equal(await box.sh('rpm --verify miyamoto'), '');
    assert.equal(await box.exec('mm', '--version'), `${parts.release.version}\n`);
    await asRoot('dnf remove miyamoto', '! command -v mm');
    assert.deepEqual(await left(), []);
  });

  step('a preset of the administrator keeps the agent disabled', async () => {
    await asRoot(...others.filter((line) => line.includes('preset')));
    await asRoot(INSTALL_AGENT);
    await assert.rejects(box.exec('systemctl', 'is-enabled', UNIT));
    await asRoot('dnf remove miyamoto-agent', 'rm -r /etc/systemd/system-preset');
    assert.deepEqual(await left(), []);
  });

  step('installed and enabled, it does nothing until it is configured', async () => {
    await asRoot(INSTALL_AGENT);
    assert.equal(await box.sh('rpm --verify miyamoto-agent'), '');
    assert.match(await box.exec('mm-agent', '--version'), /^\d+\.\d+\.\d+\n$/);
    const owners = await box.sh(
      "rpm --query --queryformat '[%{FILEUSERNAME}:%{FILEGROUPNAME}\n]' miyamoto-agent",
    );
    assert.deepEqual(new Set(owners.trim().split('\n')), new Set(['root:root']));
    assert.equal(await box.exec('systemctl', 'is-enabled', UNIT), 'enabled\n');
    await assert.rejects(box.exec('systemctl', 'is-enabled', 'mm-agent-boot.service'));
    const { ActiveState, ConditionResult, NRestarts } = await host.show();
    assert.deepEqual({ ActiveState, ConditionResult, NRestarts }, AT_REST);
    await asRoot('dnf remove miyamoto-agent');
  });

  step('where dnf checks signatures, it refuses packages until they are signed', async () => {
    const [, ...words] = makeSite.split(' ');
    const made = await fleet.mm(...words);
    await pushRpm('/root', made.slice(0, made.indexOf('\n')));
    await asRoot('echo localpkg_gpgcheck=1 >>/etc/dnf/dnf.conf');
    await assert.rejects(asRoot(install), /is not signed/);
    const sign = others.filter((line) => /^(rpmsign|gpg|rpm) /.test(line));
    assert.equal(sign.length, 3);
    await asRoot(...sign);
    await asRoot('cd next', ...sign.slice(0, 1));
  });

  step(
    'the commands install agent and site package, and the host applies and reports',
    async () => {
      await fleet.publish("file { '/root/made-by-puppet': content => 'x' }\n");
      await asRoot(install);
      await host.reported(({ run }) =>
        run?.changedResources.includes('File[/root/made-by-puppet]'),
      );
      assert.match(await box.sh(status), /changed/);
      assert.equal(await box.sh(`rpm --verify miyamoto-agent ${SITE}`), '');
    },
  );

  step('Puppet upgrades the agent by dnf during a run, which is reported', async () => {
    const pid = await host.mainPid();
    await fleet.publish(`package { 'miyamoto-agent':
      ensure => '${NEXT}-1', provider => dnf,
      source => '/root/next/miyamoto-agent-${NEXT}-1.x86_64.rpm' }\n`);
    await host.runNow();
    await host.reported(({ run }) => run?.changedResources.includes('Package[miyamoto-agent]'));
    assert.equal(await installed(), `${NEXT}\n`);
    await host.eventually('the new agent runs', async () => {
      assert.notEqual(await host.mainPid(), pid);
    });
    assert.equal(await box.sh('rpm --verify miyamoto-agent'), '');
    assert.equal(await box.exec('systemctl', 'is-enabled', UNIT), 'enabled\n');
  });

  step('a downgrade keeps what the administrator switched off', async () => {
    await box.exec('systemctl', 'disable', '--now', UNIT);
    await asRoot('dnf downgrade ./miyamoto-agent-*.x86_64.rpm');
    assert.equal(await installed(), `${parts.release.version}\n`);
    await assert.rejects(box.exec('systemctl', 'is-enabled', UNIT));
    assert.equal((await host.show())['ActiveState'], 'inactive');
  });

  step('an agent.yaml that was changed stays, and a newer one is beside it', async () => {
    await box.sh("echo '# own' >>/etc/miyamoto/agent.yaml");
    await pushRpm('/root/next', await fleet.sitePackage('rpm'));
    await asRoot(`dnf --nogpgcheck install ./next/${SITE}-*.rpm`);
    assert.match(await box.exec('cat', '/etc/miyamoto/agent.yaml'), /^# own$/m);
    const newer = await box.exec('cat', '/etc/miyamoto/agent.yaml.rpmnew');
    assert.equal(newer, fleet.hostFiles['/etc/miyamoto/agent.yaml']);
    await box.exec('rm', '/etc/miyamoto/agent.yaml.rpmnew');
  });

  step('after the erasure the run has ended, and only what was changed is left', async () => {
    await box.exec('systemctl', 'enable', '--now', UNIT);
    await host.startRun('erase');
    await asRoot('dnf remove miyamoto-agent');
    assert.equal((await host.show())['ActiveState'], 'inactive');
    await host.reported(({ run }) => run?.status === 'killed');
    assert.deepEqual(await left(), ['/etc/miyamoto', '/etc/miyamoto/agent.yaml.rpmsave']);
  });
});

/** The first of the two packages that install.md installs. */
const INSTALL_AGENT = install.replace(/ \S*miyamoto-site\S*/, '');
const AT_REST = { ActiveState: 'inactive', ConditionResult: 'no', NRestarts: '0' };

/** What Debian's own packages bring, under the names that the RedHat family has for it. */
const DEBIAN = `Name: debian
Summary: What the packages of Debian bring
Version: 1
Release: 1
License: MIT
BuildArch: noarch
Provides: /bin/sh, systemd, libgcc, glibc = 2.36, libstdc++ = 12, git, puppet-agent
%description
It is empty.
%files
`;

/** rpm and dnf as the RedHat family sets them up, and nobody who answers dnf. */
async function prepare(): Promise<void> {
  const spec = join(directory, 'debian.spec');
  await writeFile(spec, DEBIAN);
  await run('rpmbuild', ['-bb', '--quiet', '--define', `_topdir ${directory}`, spec]);
  await box.sh(`hostnamectl set-hostname ${HOST}; mkdir -p /root/next /root/mm /etc/rpm
    printf '%s\n' '%_dbpath /var/lib/rpm' '%__gpg /usr/bin/gpg' >/etc/rpm/macros
    echo assumeyes=1 >>/etc/dnf/dnf.conf
    gpg --batch --quiet --passphrase '' --quick-generate-key packages@example.com rsa sign`);
  await pushRpm('/root', join(directory, 'RPMS/noarch/debian-1-1.noarch.rpm'));
  await box.sh('rpm --install /root/debian-*.rpm; rm /root/debian-*.rpm');
  for (const [path, text] of Object.entries(fleet.hostFiles))
    if (path.startsWith('/root/')) await host.place(path, text);
}

/** The path of the package. */
async function built(name: string, from: Parts, of = AGENT): Promise<string> {
  const plan = await planRpm(of, from, 'zstd');
  const path = join(directory, name, plan.fileName);
  await mkdir(dirname(path), { recursive: true });
  await plan.write(path);
  return path;
}

async function pushRpm(folder: string, path: string): Promise<void> {
  await box.push(path, join(folder, basename(path)));
}

async function asRoot(...lines: readonly string[]): Promise<void> {
  await box.sh(['cd /root', ...lines].join('\n'));
}

function installed(): Promise<string> {
  return box.sh("rpm --query --queryformat '%{VERSION}\n' miyamoto-agent");
}

/** Files and folders of the agent. */
async function left(): Promise<string[]> {
  const found =
    await box.sh(String.raw`find / /run -ignore_readdir_race -xdev -path /root -prune -o \
    \( -path '*/miyamoto*' -o -name '*mm-agent*' -o -name 'mm-puppet*' \) -print | sort`);
  return found.split('\n').filter((path) => path !== '');
}
