import assert from 'node:assert/strict';
import { existsSync, lstatSync, readdirSync } from 'node:fs';
import { chmod, chown, mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { type AgentLab, agentLab, manifestWriting } from '../support/agent-lab.ts';
import { isRoot } from '../support/ordinary-user.ts';

/** What another user could do with a file that the agent reads as root. */
const unsafe: Record<string, (lab: AgentLab) => Promise<string>> = {
  'agent.yaml that others can write': async ({ paths }) => {
    await chmod(paths.configFile, 0o666);
    return paths.configFile;
  },
  'agent.d that others can add files to': async ({ paths }) => {
    await chmod(paths.configDirectory, 0o777);
    return paths.configDirectory;
  },
  'a file of agent.d that others can write': async ({ paths }) => {
    const path = join(paths.configDirectory, 'a.yaml');
    await writeFile(path, 'groups: [canary]\n');
    await chmod(path, 0o666);
    return path;
  },
  'a directory above that others can write': async ({ paths }) => {
    await chmod(dirname(paths.configFile), 0o777);
    return dirname(paths.configFile);
  },
  'a link to a file that others can write': async ({ root, paths }) => {
    const target = join(root, 'elsewhere');
    await mkdir(target, { mode: 0o777 });
    await chmod(target, 0o777);
    await writeFile(join(target, 'a.yaml'), 'groups: [canary]\n');
    await symlink(join(target, 'a.yaml'), join(paths.configDirectory, 'a.yaml'));
    return target;
  },
  'root.json that others can write': async ({ paths }) => {
    await chmod(paths.trustRoot, 0o666);
    return paths.trustRoot;
  },
  'a seed that others can write': async ({ paths, simulator }) => {
    await writeFile(paths.timestampSeed, simulator.files.get('timestamp.json')!);
    await chmod(paths.timestampSeed, 0o666);
    return paths.timestampSeed;
  },
};

/** What only root can make: an ordinary user cannot give a file away. */
const unsafeByRoot: typeof unsafe = {
  'agent.yaml that a group can write': async ({ paths }) => {
    await chown(paths.configFile, -1, 54321);
    await chmod(paths.configFile, 0o664);
    return paths.configFile;
  },
};

for (const [name, make] of Object.entries({ ...unsafe, ...(isRoot ? unsafeByRoot : {}) })) {
  test(`owned files: ${name} is refused before anything is asked or run`, async (t) => {
    const lab = await agentLab(t);
    lab.publish('1.0.0', manifestWriting('/nowhere', 'one'));
    const path = await make(lab);
    const ended = await lab.once();
    assert.equal(ended.code, 20, ended.stderr);
    assert.ok(ended.stderr.includes(path), ended.stderr);
    assert.match(ended.stderr, /can be written by others/);
    assert.match(ended.stderr, /next: chmod go-w/);
    assert.deepEqual(ended.requests, []);
  });
}

test('owned files: what the agent makes is writable by no other user, also without a umask', async (t) => {
  const lab = await agentLab(t);
  await lab.configure(`run: { puppet: ${await lab.fakePuppet()} }\nreleases: { mode: '0755' }\n`);
  lab.publish('1.0.0', manifestWriting('/nowhere', 'one'));
  lab.command = ['/bin/sh', '-c', 'umask 0; exec "$@"', 'sh', ...lab.command];
  const ended = await lab.once();
  assert.equal(ended.code, 0, ended.stderr);
  const made = readdirSync(lab.paths.state, { recursive: true, encoding: 'utf8' })
    .map((name) => join(lab.paths.state, name))
    .map((path) => ({ path, found: lstatSync(path) }));
  const open = made.filter(({ found }) => !found.isSymbolicLink() && (found.mode & 0o022) !== 0);
  assert.ok(made.length > 10);
  assert.deepEqual(
    open.map(({ path }) => path),
    [],
  );
});

const HELPER = (mark: string) => `[default]\ncredential_process = /bin/sh -c 'touch ${mark}'\n`;

test('owned files: AWS files that others can write are refused, and the release is applied', async (t) => {
  const lab = await agentLab(t);
  await lab.configure(`run: { puppet: ${await lab.fakePuppet()} }\n`);
  lab.publish('1.0.0', manifestWriting('/nowhere', 'one'));
  await lab.once();
  const [file, mark] = ['aws-config', 'helper-ran'].map((name) => join(lab.root, name));
  await writeFile(file!, HELPER(mark!));
  await chmod(file!, 0o666);
  const variables = { AWS_CONFIG_FILE: file!, AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' };
  const ended = await lab.run(['--once'], variables);
  assert.match(ended.stderr, /FILE_UNSAFE/);
  assert.match(ended.stderr, /run=run/);
  assert.deepEqual([existsSync(mark!), ended.requests], [false, []]);
});

if (isRoot) {
  test('owned files: root reads no AWS files in the home of another user, where sudo leaves HOME', async (t) => {
    const lab = await agentLab(t);
    const [home, mark] = ['home', 'helper-ran'].map((name) => join(lab.root, name));
    await mkdir(join(home!, '.aws'), { recursive: true });
    await writeFile(join(home!, '.aws', 'config'), HELPER(mark!));
    await chown(home!, 54321, -1);
    const none = { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' };
    await lab.run(['--once'], { HOME: home!, AWS_EC2_METADATA_DISABLED: 'true', ...none });
    assert.equal(existsSync(mark!), false);
  });

  test('owned files: a configuration of another user is refused', async (t) => {
    const lab = await agentLab(t);
    await chown(lab.paths.configFile, 54321, -1);
    const ended = await lab.once();
    assert.equal(ended.code, 20, ended.stderr);
    assert.match(ended.stderr, /belongs to user 54321/);
  });
}
