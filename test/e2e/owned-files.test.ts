import assert from 'node:assert/strict';
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

if (isRoot) {
  test('owned files: a configuration of another user is refused', async (t) => {
    const lab = await agentLab(t);
    await chown(lab.paths.configFile, 54321, -1);
    const ended = await lab.once();
    assert.equal(ended.code, 20, ended.stderr);
    assert.match(ended.stderr, /belongs to user 54321/);
  });
}
