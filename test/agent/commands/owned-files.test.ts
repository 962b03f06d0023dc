import assert from 'node:assert/strict';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openHost } from '../../../agent/commands/open-host.ts';
import { readPackagedSeeds } from '../../../agent/io/host/packaged-seeds.ts';
import { parseOptions } from '../../../agent/options.ts';
import { type HostPaths, localPaths } from '../../../agent/paths.ts';
import { fakeLog } from '../../support/fake-log.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

/** The agent runs as root: it must not follow files that another local user can write. */

interface Installed {
  readonly paths: HostPaths;
  /** Reads everything that was installed, as the start of the agent does. */
  start(): Promise<void>;
}

async function installed(t: TestContext): Promise<Installed> {
  const root = await temporaryDirectory(t);
  const paths = localPaths(root);
  await mkdir(paths.configDirectory, { recursive: true });
  const config = 'bucket: fleet.example.com\ntree: ubuntu\ncertname: web-1.example.com\n';
  await writeFile(paths.configFile, config);
  for (const path of [paths.trustRoot, paths.timestampSeed, paths.snapshotSeed]) {
    await writeFile(path, '{}');
  }
  return {
    paths,
    async start() {
      await openHost(parseOptions(['--once', '--root', root]));
      readPackagedSeeds(paths, fakeLog());
    },
  };
}

const dropIn = ({ configDirectory }: HostPaths) => join(configDirectory, 'site.yaml');

const READ: Readonly<Record<string, (paths: HostPaths) => string>> = {
  'agent.yaml': ({ configFile }) => configFile,
  'a file in agent.d': dropIn,
  'the empty directory agent.d': ({ configDirectory }) => configDirectory,
  'the directory of agent.yaml': ({ configFile }) => dirname(configFile),
  'root.json': ({ trustRoot }) => trustRoot,
  'the seed of the timestamp': ({ timestampSeed }) => timestampSeed,
  'the seed of the snapshot': ({ snapshotSeed }) => snapshotSeed,
};

for (const [name, pathIn] of Object.entries(READ)) {
  test(`row 18: ${name}, writable by others, is FILE_UNSAFE, and the agent does not start`, async (t) => {
    const { paths, start } = await installed(t);
    const path = pathIn(paths);
    const isDirectory = path === paths.configDirectory || path === dirname(paths.configFile);
    // The other rows keep agent.d empty, so that only the check of the directory can refuse it.
    if (path === dropIn(paths)) await writeFile(path, 'environment: canary\n');
    await start();
    await chmod(path, isDirectory ? 0o777 : 0o646);
    await assert.rejects(start(), { code: 'FILE_UNSAFE', next: `chmod go-w ${path}` });
    await chmod(path, isDirectory ? 0o755 : 0o644);
    await start();
  });
}
