import assert from 'node:assert/strict';
import { chmod, chown, mkdir, writeFile } from 'node:fs/promises';
import { type TestContext, test } from 'node:test';
import { localPaths } from '../../../agent/paths.ts';
import { isRoot, NOBODY, ordinaryUsersAgent } from '../../support/ordinary-user.ts';
import { names, temporaryDirectory } from '../../support/temporary-directory.ts';

/** The message to an ordinary user who runs a command that needs root. */

const agent = ordinaryUsersAgent();
const asOrdinaryUser = (argv: readonly string[], root: string) => agent([...argv, '--root', root]);

/** The directories of an installed agent, with the modes that the package gives them. */
async function installed(t: TestContext): Promise<string> {
  const root = await temporaryDirectory(t);
  await chmod(root, 0o755);
  const { state, runtime, stateFile, facts } = localPaths(root);
  await mkdir(state, { recursive: true });
  await mkdir(runtime, { recursive: true });
  await writeFile(stateFile, '{}', { mode: 0o600 });
  await writeFile(facts, '{}', { mode: 0o600 });
  // Without root, the user of the test owns the directory and must drop the rights.
  await chmod(state, isRoot ? 0o700 : 0);
  return root;
}

const COMMANDS: Record<string, readonly [argv: readonly string[], typed: string, verb: string]> = {
  daemon: [[], '', 'write'],
  once: [['--once', '--noop'], '--once --noop ', 'write'],
  'a part of the catalog': [['--once', '--tags=a,b'], '--once --tags=a,b ', 'write'],
  status: [['status'], 'status ', 'read'],
  history: [['history'], 'history ', 'read'],
  facts: [['facts', 'os.name'], 'facts os.name ', 'read'],
  disable: [
    ['disable', "Ann's migration", '--until', '2h'],
    "disable 'Ann'\\''s migration' --until 2h ",
    'write',
  ],
  enable: [['enable'], 'enable ', 'write'],
  'reset-clock': [['reset-clock'], 'reset-clock ', 'write'],
};
for (const [name, [argv, typed, verb]] of Object.entries(COMMANDS)) {
  test(`permission: ${name}: the message tells an ordinary user to use sudo`, async (t) => {
    const root = await installed(t);
    const { code, stdout, stderr } = await asOrdinaryUser(argv, root);
    assert.deepEqual([code, stdout], [20, ''], stderr);
    const [message = '', next, ...more] = stderr.split('\n');
    assert.ok(message.startsWith(`mm-agent: this user may not ${verb} ${root}/`), stderr);
    assert.equal(next, `next: sudo mm-agent ${typed}--root ${root}`);
    assert.deepEqual(more, ['']);
  });
}

test('permission: nothing exists yet, and this user may not create it', async (t) => {
  const root = await temporaryDirectory(t);
  await chmod(root, 0o555);
  for (const argv of [[], ['--once'], ['disable', 'x'], ['enable']]) {
    const { code, stderr } = await asOrdinaryUser(argv, root);
    assert.equal(code, 20);
    assert.match(stderr, /^mm-agent: this user may not write \S+\nnext: sudo mm-agent .*\n$/);
  }
  assert.deepEqual(await names(root), []);
});

test('permission: an ordinary user may run an agent below their own directory', async (t) => {
  const root = await temporaryDirectory(t);
  if (isRoot) await chown(root, NOBODY, NOBODY);
  assert.equal((await asOrdinaryUser(['disable', 'x'], root)).code, 0);
  assert.equal((await asOrdinaryUser(['enable'], root)).code, 0);
  for (const argv of [[], ['--once']]) {
    assert.match((await asOrdinaryUser(argv, root)).stderr, /no configuration: wanted/);
  }
  assert.match(
    (await asOrdinaryUser(['status'], root)).stderr,
    /no cycle has ended on this host yet/,
  );
});

for (const argv of [['--help'], ['--version']]) {
  test(`permission: ${argv.join()} needs no permission`, async (t) => {
    const { code, stderr } = await asOrdinaryUser(argv, await installed(t));
    assert.deepEqual([code, stderr], [0, '']);
  });
}
