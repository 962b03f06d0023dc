import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createServer } from 'node:tls';
import { StatusDocument } from '../../bucket/documents/status.ts';
import { hostStatusKey } from '../../bucket/layout.ts';
import { planDeb } from '../../packaging/deb/deb.ts';
import { AGENT } from '../../packaging/linux/agent.ts';
import type { LinuxPackage, Parts } from '../../packaging/linux/linux-package.ts';
import { OPERATOR } from '../../packaging/linux/operator.ts';
import { makeAuthority } from '../support/certificates.ts';
import { machinePolicy, publisherPolicy } from '../support/s3/policy.ts';
import { type S3Server, startS3Server } from '../support/s3/server.ts';
import { type Box, bootBox } from './box.ts';
import { followed } from './document.ts';
import { builtParts, NEXT, nextParts } from './parts.ts';
import { inEachSuite } from './steps.ts';
import { puppetPackages } from './suites.ts';

/**
 * docs/install.md, followed literally by an operator (the user ann) and on a host, in one booted
 * Debian. The host joins in each of the ways, and between two of them it is purged. What does not
 * run here: EC2 itself. `aws ec2 run-instances` only hands the user data over, and cloud-init gets
 * it from a disk; the credentials of host and apt are in files in place of an instance's role.
 */

const BUCKET = 'masterless-puppet';
const TREE = 'ubuntu';
const HOST = 'web1.example.com';
/** The names by which AWS's clients find the store: the bucket is a part of them. */
const STORE = 's3.example.com';
const OPERATORS = { accessKeyId: 'PUBLISHER00000000000', secretAccessKey: 'publisher-secret' };
const MACHINE = { accessKeyId: 'MACHINE0000000000000', secretAccessKey: 'machine-secret' };
const { commands } = await followed('docs/install.md');

let directory: string;
let parts: Parts;
let server: S3Server;
let tlsPort: number;
let box: Box;

inEachSuite('install', (suite, step) => {
  const stack = new AsyncDisposableStack();
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'miyamoto-install-test-'));
    stack.defer(() => rm(directory, { recursive: true }));
    const place = { bucket: BUCKET, tree: TREE };
    server = await startS3Server({
      region: 'eu-central-1',
      buckets: [BUCKET],
      bucketOf: (host) => (host.startsWith(`${BUCKET}.`) ? BUCKET : undefined),
      users: [
        { ...OPERATORS, policy: publisherPolicy(place) },
        { ...MACHINE, policy: machinePolicy(place) },
      ],
    });
    stack.defer(() => server.close());
    parts = await builtParts(directory);
    const tools = ['git', 'awscli', 'apt-utils', 'gnupg', 'cloud-init'];
    const packages = [...puppetPackages(suite), ...tools];
    box = stack.use(await bootBox(`install-${suite}-${process.pid}`, { suite, packages }));
    await serveTls(stack);
    await prepareHost();
    await prepareOperator();
  });
  after(() => stack.disposeAsync());

  step('by hand: the package of the agent, and that of the site', async () => {
    const [make = '', ...install] = commands('Ubuntu and Debian');
    await asAnn(make);
    await box.sh('cp ~ann/desk/miyamoto-site-*.deb ~ann/desk/debs/miyamoto-agent_*.deb /root');
    await asHost(install);
    await assertJoined();
  });

  step('apt brings the agent from the bucket, over TLS and with the rights of a host', async () => {
    await purge();
    const [put = '', ...index] = commands('An apt repository in the bucket');
    const isHosts = index.findIndex((line) => line.startsWith('apt '));
    await asAnn('mm binaries init', put, ...index.slice(0, isHosts));
    await box.sh(`cp ~ann/desk/miyamoto.asc /root
      printf '%s\n' 'AccessKeyId = ${MACHINE.accessKeyId}' 'SecretAccessKey = ${MACHINE.secretAccessKey}' \\
        'Region = ${server.region}' 'Endpoint = ${STORE}:${tlsPort}' >/etc/apt/s3auth.conf`);
    await asHost(index.slice(isHosts));
    assert.equal(await installed(), parts.release.version);
    await asHost(['apt install ./miyamoto-site-ubuntu_*_all.deb']);
    await assertJoined();
  });

  step(
    'a new package in the bucket is an upgrade; an index that nobody signed is refused',
    async () => {
      await pushDeb(AGENT, await nextParts(parts), '/home/ann/desk/debs');
      const [put = '', index = ''] = commands('An apt repository in the bucket');
      await asAnn(put, index);
      await asHost(['apt update', 'apt upgrade']);
      assert.equal(await installed(), NEXT);

      const inRelease = `${TREE}/binaries/dists/stable/InRelease`;
      const signed = String(server.get(BUCKET, inRelease));
      server.put(BUCKET, inRelease, signed.replace('Origin: Miyamoto', 'Origin: Mallory'));
      await assert.rejects(
        box.sh('apt-get update --error-on=any'),
        /during the signature verification/,
      );
      server.put(BUCKET, inRelease, signed);
    },
  );

  step(
    'EC2: an instance installs the agent from the bucket and joins by its user data',
    async () => {
      await purge();
      await asAnn('cp debs/miyamoto-agent_0* .', ...commands('EC2 and other clouds'));
      await launch();
      await assertJoined();
      assert.equal(await installed(), parts.release.version);
    },
  );

  step('an AMI has the agent, which does nothing until an instance has its user data', async () => {
    await purge();
    const [install = '', userData = ''] = commands('An AMI');
    await box.sh('cd /root; rm miyamoto-agent_*; cp ~ann/desk/debs/miyamoto-agent_0* .');
    await asHost([install]);
    await box.sh('! test -e /etc/miyamoto/agent.yaml && ! systemctl is-active mm-agent');
    await asAnn(userData, 'mv user-data launched');
    await launch();
    await assertJoined();
  });

  step('the same as YAML for cloud-init', async () => {
    await purge();
    const [, userData = ''] = commands('EC2 and other clouds');
    await asAnn(userData.replace('--user-data', '--cloud-init'), 'mv user-data launched');
    await launch();
    await assertJoined();
  });
});

/** The same store over TLS, as apt wants it: what comes in is passed on. */
async function serveTls(stack: AsyncDisposableStack): Promise<void> {
  const authority = stack.use(await makeAuthority('Box'));
  const names = [`${BUCKET}.${STORE}`, STORE];
  const tls = createServer(await authority.issue(names), (socket) => {
    const plain = connect(server.port, '127.0.0.1');
    socket.on('error', () => plain.destroy()).pipe(plain);
    plain.on('error', () => socket.destroy()).pipe(socket);
  });
  await new Promise<void>((resolve) => tls.listen(0, '127.0.0.1', resolve));
  stack.defer(() => void tls.close());
  const address = tls.address();
  assert.ok(typeof address === 'object' && address !== null);
  tlsPort = address.port;
  await box.push(authority.file, '/usr/local/share/ca-certificates/box.crt');
  await box.sh(`update-ca-certificates; echo '127.0.0.1 ${names.join(' ')}' >>/etc/hosts`);
}

/** Nobody in the box can answer apt and debconf. cloud-init carries out the user data only. */
async function prepareHost(): Promise<void> {
  await place('/root/.aws/credentials', credentialsOf(MACHINE));
  await place('/etc/apt/apt.conf.d/answer-yes', 'APT::Get::Assume-Yes "true";\n');
  await place(
    '/etc/cloud/cloud.cfg.d/99-box.cfg',
    JSON.stringify({
      datasource_list: ['NoCloud'],
      network: { config: 'disabled' },
      cloud_init_modules: ['write-files'],
      cloud_config_modules: ['runcmd'],
      cloud_final_modules: ['scripts-user'],
    }),
  );
  await box.sh(`hostnamectl set-hostname ${HOST}
    echo 'debconf debconf/frontend select Noninteractive' | debconf-set-selections
    useradd --create-home --shell /bin/bash ann; mkdir -p ~ann/desk/debs ~ann/bin ~ann/.aws`);
}

/** A tree with one release, a key for apt, and the packages. */
async function prepareOperator(): Promise<void> {
  await place('/home/ann/.aws/credentials', credentialsOf(OPERATORS));
  await place('/home/ann/bin/aws', AWS);
  for (const each of [AGENT, OPERATOR]) await pushDeb(each, parts, '/home/ann/desk/debs');
  await box.sh(`mv ~ann/desk/debs/miyamoto_* /root; dpkg --install /root/miyamoto_*.deb
    ln -s /usr/share/doc/miyamoto/examples/apt-repository ~ann/bin; chmod 755 ~ann/bin/aws
    chown -R ann: ~ann`);
  await asAnn(
    `git config --global user.name Ann; git config --global user.email ann@example.com`,
    `git init --quiet --initial-branch=main; mkdir manifests`,
    `echo "file { '/root/made-by-puppet': content => 'yes' }" >manifests/site.pp`,
    `git add manifests; git commit --quiet --message first`,
    `mm init --bucket ${BUCKET} --tree ${TREE} --endpoint ${server.endpoint} --region ${server.region} --environment stable=main`,
    'mm publish stable',
    `gpg --batch --quiet --passphrase '' --quick-generate-key repository@example.com ed25519 sign`,
  );
}

/** The store is on this machine, and EC2 is not. */
const AWS = `#!/bin/sh
if [ "$1" = ec2 ]; then mv user-data launched; else exec /usr/bin/aws --endpoint-url "$ENDPOINT" "$@"; fi
`;

const credentialsOf = (user: typeof MACHINE) =>
  `[default]\naws_access_key_id = ${user.accessKeyId}\naws_secret_access_key = ${user.secretAccessKey}\n`;

async function pushDeb(of: LinuxPackage, from: Parts, folder: string): Promise<void> {
  const plan = await planDeb(of, from, 'zstd');
  const path = join(directory, plan.fileName);
  await plan.write(path);
  await box.push(path, `${folder}/${plan.fileName}`);
}

async function asAnn(...lines: readonly string[]): Promise<void> {
  const env = `PATH=$HOME/bin:$PATH AWS_REGION=${server.region} ENDPOINT=${server.endpoint}`;
  const text = `set -eu; export ${env}; cd desk\n${lines.join('\n')}`;
  await box.exec('runuser', '--login', 'ann', '--command', text);
}

async function asHost(lines: readonly string[]): Promise<void> {
  for (const line of lines) {
    const isEarly = line.startsWith('mm-agent status');
    await (isEarly ? eventually : once)(() => box.sh(`cd /root; ${line}`));
  }
}

/** Boots the instance: cloud-init carries out what `aws ec2 run-instances` got. */
async function launch(): Promise<void> {
  await box.sh(`cloud-init clean; seed=/var/lib/cloud/seed/nocloud; mkdir -p $seed
    mv ~ann/desk/launched $seed/user-data; echo 'instance-id: i-1' >$seed/meta-data
    cloud-init init --local; cloud-init init; cloud-init modules --mode=config
    cloud-init modules --mode=final`);
}

/** The first cycle has applied the release and reported. */
async function assertJoined(): Promise<void> {
  await eventually(async () => {
    const stored = server.get(BUCKET, hostStatusKey(TREE, HOST));
    assert.equal(StatusDocument.parse(JSON.parse(String(stored))).run?.status, 'changed');
  });
  assert.equal(await box.exec('cat', '/root/made-by-puppet'), 'yes');
}

async function purge(): Promise<void> {
  await box.sh(`apt-get -qq purge 'miyamoto-agent' 'miyamoto-site-*' >/dev/null 2>&1 ||
      apt-get -qq purge miyamoto-agent
    rm /root/made-by-puppet; ! test -e /etc/miyamoto`);
  server.delete(BUCKET, hostStatusKey(TREE, HOST));
}

async function installed(): Promise<string> {
  return await box.sh(`dpkg-query --show --showformat='\${Version}' miyamoto-agent`);
}

async function place(path: string, text: string): Promise<void> {
  const local = join(directory, 'place');
  await writeFile(local, text);
  await box.sh(`mkdir -p "$(dirname ${path})"`);
  await box.push(local, path);
}

const once = <T>(attempt: () => Promise<T>): Promise<T> => attempt();

/** Tries again, as a person does who looks too early. */
async function eventually<T>(attempt: () => Promise<T>): Promise<T> {
  for (const end = Date.now() + 120_000; ; await delay(500)) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > end) throw error;
    }
  }
}
