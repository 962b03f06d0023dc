import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before } from 'node:test';
import { build, PROGRAMS } from '../../packaging/build.ts';
import { buildDeb } from '../../packaging/deb/deb.ts';
import { type Box, bootBox } from './box.ts';
import { type Fleet, startFleet } from './fleet.ts';
import { type BoxHost, boxHost, UNIT } from './host.ts';
import { inEachSuite } from './steps.ts';
import { puppetPackages } from './suites.ts';

/**
 * A host that nobody looks at, in a booted Debian: its first boot, the hooks of the package in the
 * sandbox of the service, and what systemd shows.
 */

let fleet: Fleet;
let box: Box;
let host: BoxHost;
/** What was posted to the webhook. */
const posts: unknown[] = [];

const PACKAGES = ['bsd-mailx', 'dma', 'curl'];
const EXAMPLES = '/usr/share/doc/miyamoto-agent/examples/hooks';
const WORKER = `[Unit]
Requires=mm-agent-boot.service
After=mm-agent-boot.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/cp /run/miyamoto/converged /run/worker-began
[Install]
WantedBy=multi-user.target
`;

/** The same program as another version of the package. */
const NEWER = `dpkg-deb -R /root/agent.deb /root/newer
sed -i 's/^Version:.*/Version: 99.0/' /root/newer/DEBIAN/control
dpkg-deb -Znone --build /root/newer /root/newer.deb`;
const UPGRADE = `package { 'miyamoto-agent':
  ensure => latest, provider => dpkg, source => '/root/newer.deb',
}
`;

inEachSuite('left alone', (suite, step) => {
  const stack = new AsyncDisposableStack();
  before(async () => {
    posts.length = 0;
    const directory = await mkdtemp(join(tmpdir(), 'miyamoto-left-alone-'));
    stack.defer(() => rm(directory, { recursive: true }));
    const bundleDirectory = join(directory, 'dist');
    await build({ programs: PROGRAMS, outputDirectory: bundleDirectory });
    const outputDirectory = join(directory, 'build');
    const deb = await buildDeb({ bundleDirectory, outputDirectory, compression: 'zstd' });
    fleet = stack.use(await startFleet(directory, join(bundleDirectory, 'mm.mjs')));
    const packages = [...puppetPackages(suite), ...PACKAGES];
    box = stack.use(await bootBox(`alone-${suite}-${process.pid}`, { suite, packages }));
    host = boxHost(box, fleet);
    await box.push(deb, '/root/agent.deb');
    await box.exec('dpkg', '--install', '/root/agent.deb');
    await box.push(fleet.rootFile, '/etc/miyamoto/root.json');
    for (const [path, content] of Object.entries(fleet.hostFiles)) await host.place(path, content);
  });
  after(() => stack.disposeAsync());

  step('the first boot upgrades the agent, repeats, and starts what needs its end', async () => {
    await box.sh(NEWER);
    await hook('worker-sentinel', 'on-change', 'on-converged', 'on-not-converged');
    await host.place('/etc/systemd/system/worker.service', WORKER);
    await box.sh('systemctl enable --quiet mm-agent-boot worker');
    await fleet.publish(`${UPGRADE}${file('/root/first', 'one')}`);
    await box.reboot();
    await host.eventually('the worker has begun', () => box.sh('test -s /run/worker-began'));
    const { version, tries } = JSON.parse(await box.sh('cat /run/miyamoto/converged'));
    assert.ok(tries >= 1);
    assert.match(await box.sh('dpkg-query --show miyamoto-agent'), /\t99\.0\n$/);
    assert.equal(await box.sh('cat /root/first'), 'one');
    assert.equal(await box.sh('systemctl is-active mm-agent-boot mm-agent'), 'active\nactive\n');
    assert.equal(
      await box.sh('cat /run/worker/ready /run/worker/restart'),
      `${version}\n${version}\n`,
    );
    assert.equal(fleet.status()?.hooks, undefined);
  });

  step('systemctl status says what the last poll found', async () => {
    await host.eventually('it says so', async () => {
      const status = await box.sh(`systemctl status --no-pager --lines=0 ${UNIT}`);
      assert.match(status, /^ *Status: ".+; next poll at \d{4}-.+"$/m);
    });
  });

  step('a reload with a mistake fails and changes nothing, and one without is read', async () => {
    const pid = await host.mainPid();
    await host.place('/etc/miyamoto/agent.d/mistake.yaml', 'bukket: x\n');
    await assert.rejects(box.exec('systemctl', 'reload', UNIT));
    assert.match(await host.journal(), /mistake\.yaml.*bukket/);
    assert.doesNotMatch(await host.journal(), /config\.reloaded/);
    await box.exec('rm', '/etc/miyamoto/agent.d/mistake.yaml');
    await box.exec('systemctl', 'reload', UNIT);
    await host.eventually('it is read', async () =>
      assert.match(await host.journal(), /config\.reloaded/),
    );
    assert.equal(await host.mainPid(), pid);
  });

  step(
    'in the sandbox of the service a failure sends a mail and posts to the channel',
    async () => {
      const server = createServer((request, response) => {
        void text(request).then((body) => {
          posts.push(JSON.parse(body));
          response.end('ok');
        });
      }).listen(0, '127.0.0.1');
      stack.defer(() => void server.close());
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      await host.place(
        '/etc/miyamoto/slack-webhook',
        `http://127.0.0.1:${port}/services/T0/B0/key\n`,
      );
      await hook('mail-log', 'on-failure');
      await hook('slack', 'on-failure');
      await fleet.publish("exec { '/bin/false': }\n");
      await host.runNow();
      await host.reported(({ run }) => run?.status === 'failed');
      const mail = await host.eventually('the mail is there', () => box.sh('cat /var/mail/root'));
      assert.match(mail, /^Subject: Puppet failed on box\.example\.com$/m);
      assert.match(mail, /^Error: .*Exec\[\/bin\/false\].*returned 1/m);
      await host.eventually('the post is there', async () => assert.equal(posts.length, 1));
      assert.match(
        String((posts[0] as { text: unknown }).text),
        /^Puppet failed on box\.example\.com/,
      );
    },
  );

  step('an interrupted installation is completed before the run', async () => {
    await hook('repair-dpkg', 'pre-run');
    await box.sh(`mkdir -p /root/half/DEBIAN
    printf '%s\\n' 'Package: half' 'Version: 1' 'Architecture: all' \\
      'Maintainer: x <x@example.com>' 'Description: x' >/root/half/DEBIAN/control
    dpkg-deb --build /root/half >/dev/null; dpkg --unpack /root/half.deb`);
    assert.match(await box.sh('dpkg --audit'), /half/);
    await box.sh('rm /run/worker/restart');
    await fleet.publish(file('/root/second'));
    await host.runNow();
    await host.reported(({ run }) => run?.changedResources.includes('File[/root/second]'));
    assert.equal(await box.sh('dpkg --audit'), '');
    assert.match(await box.sh('dpkg-query --show half'), /half\s+1/);
    await host.eventually('the worker is asked to start again', () =>
      box.sh('test -s /run/worker/restart'),
    );
  });

  step('the bundle of the doctor has the end of the log, and no secret of the host', async () => {
    const secret = 'kept-by-the-host';
    await host.place(
      '/etc/miyamoto/agent.d/vault.yaml',
      `run: { environment: { VAULT: ${secret} } }\n`,
    );
    await fleet.publish(`notify { 'the vault has ${secret}': }\n`);
    await host.runNow();
    await host.reported(({ run }) => run?.changedResources.some((name) => name.includes('vault')));
    assert.match(await host.journal(), new RegExp(`the vault has ${secret}`));
    await box.sh('mm-agent doctor --bundle /root/bundle.tar.gz');
    const log = await box.sh('tar -xzOf /root/bundle.tar.gz journal.log');
    assert.match(log, /mm-agent\[\d+\]: agent\.started .*the vault has \[hidden\]/s);
    assert.match(log, /mm-agent-boot\[\d+\]: converge\.done/);
    assert.doesNotMatch(await box.sh('tar -xzOf /root/bundle.tar.gz'), new RegExp(secret));
  });

  step('no hook has failed, and no unit of a hook is left', async () => {
    const { hooks } = await host.reported(({ run }) => run?.status !== 'failed');
    assert.equal(hooks, undefined);
    assert.doesNotMatch(await host.journal(), /hook\.failed/);
    await host.eventually('the units are gone', async () =>
      assert.equal(
        await box.sh(`systemctl list-units --all --no-legend 'mm-puppet-*' 'mm-hook-*'`),
        '',
      ),
    );
  });
});

const file = (path: string, content = 'x') => `file { '${path}': content => '${content}' }\n`;
const hook = async (name: string, ...stages: readonly string[]): Promise<void> => {
  for (const stage of stages)
    await box.exec(
      'install',
      '-D',
      `${EXAMPLES}/${name}`,
      `/etc/miyamoto/hooks.d/${stage}/${name}`,
    );
};
