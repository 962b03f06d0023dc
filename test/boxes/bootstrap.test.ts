import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before } from 'node:test';
import { promisify } from 'node:util';
import { build, PROGRAMS } from '../../packaging/build.ts';
import { buildDeb } from '../../packaging/deb/deb.ts';
import { type Box, bootBox } from './box.ts';
import { type Fleet, startFleet } from './fleet.ts';
import { type BoxHost, boxHost, UNIT } from './host.ts';
import { inEachSuite } from './steps.ts';
import { puppetPackages } from './suites.ts';

/** A new machine, which has only credentials, joins by what `mm bootstrap` printed. */

const run = promisify(execFile);
let stack: AsyncDisposableStack;
let directory: string;
/** Where the box downloads the package, with its digest. */
let agent: string;
let fleet: Fleet;
let box: Box;
let host: BoxHost;

inEachSuite('bootstrap', (suite, step) => {
  before(async () => {
    stack = new AsyncDisposableStack();
    directory = await mkdtemp(join(tmpdir(), 'miyamoto-bootstrap-test-'));
    stack.defer(() => rm(directory, { recursive: true }));
    const bundleDirectory = join(directory, 'dist');
    await build({ programs: PROGRAMS, outputDirectory: bundleDirectory });
    const built = { bundleDirectory, outputDirectory: directory, compression: 'zstd' } as const;
    const deb = await buildDeb(built);
    agent = await served(deb, await readFile(deb));
    fleet = stack.use(await startFleet(directory, join(bundleDirectory, 'mm.mjs')));
    const packages = puppetPackages(suite);
    box = stack.use(await bootBox(`join-${suite}-${process.pid}`, { suite, packages }));
    host = boxHost(box, fleet);
  });
  after(() => stack.disposeAsync());

  step('the script is clean for shellcheck, in each form', async () => {
    const path = join(directory, 'script');
    for (const words of [['--shell', `--agent=${agent}`], ['--mdm']]) {
      await writeFile(path, await scriptFor(...words));
      await run('shellcheck', ['--shell=sh', path]);
    }
  });

  step('a package with another digest is refused, and nothing is changed', async () => {
    const other = agent.replace(/[0-9a-f]{64}$/, '0'.repeat(64));
    await host.place('/root/join', await scriptFor(`--agent=${other}`));
    await assert.rejects(box.exec('sh', '/root/join'), /wanted sha256 0{64}, found [0-9a-f]{64}/);
    await box.sh('! test -e /etc/miyamoto && ! command -v mm-agent');
  });

  step('the host installs the agent, applies the release and reports', async () => {
    const { '/root/.aws/credentials': credentials = '' } = fleet.hostFiles;
    await host.place('/root/.aws/credentials', credentials);
    await fleet.publish("file { '/root/made-by-puppet': content => 'x' }\n");
    await host.place('/root/join', await scriptFor('--user-data', `--agent=${agent}`));
    await box.exec('sh', '/root/join');
    const { run: done } = await host.reported(({ run }) => run?.status === 'changed');
    assert.deepEqual(done?.changedResources, ['File[/root/made-by-puppet]']);
    const root = await readFile(fleet.rootFile, 'utf8');
    assert.equal(await box.exec('cat', '/etc/miyamoto/root.json'), root);
  });

  step('a second call keeps the files of the host and its running agent', async () => {
    const pid = await host.mainPid();
    await box.sh('echo "# own" >>/etc/miyamoto/agent.yaml; sh /root/join');
    assert.match(await box.exec('cat', '/etc/miyamoto/agent.yaml'), /# own/);
    assert.equal(await host.mainPid(), pid);
  });

  step('a machine whose image has the agent needs no package', async () => {
    await box.sh(`systemctl disable --now ${UNIT}; rm /etc/miyamoto/*`);
    await host.place('/root/join', await scriptFor('--user-data'));
    await box.exec('sh', '/root/join');
    assert.equal((await host.show())['ActiveState'], 'active');
  });
});

/** Serves the file on loopback. */
async function served(path: string, bytes: Buffer): Promise<string> {
  const server = createServer((_, response) => response.end(bytes));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stack.defer(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return `http://127.0.0.1:${port}/${basename(path)}#sha256=${sha256}`;
}

async function scriptFor(...words: string[]): Promise<string> {
  return await fleet.mm('bootstrap', `--agent-config=${fleet.agentConfigFile}`, ...words);
}
