import assert from 'node:assert/strict';
import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { type HostData, NO_HOST_DATA } from '../../../../../agent/io/puppet/host-data/host-data.ts';
import { hostFacts } from '../../../../../agent/io/puppet/host-data/host-facts.ts';
import {
  requireHostFiles,
  requireInEnvironment,
} from '../../../../../agent/io/puppet/host-data/host-files.ts';
import { temporaryDirectory } from '../../../../support/temporary-directory.ts';

const { facts, puppet } = NO_HOST_DATA;

/** Each key of agent.yaml that names a file which decides what root runs. */
const NAMED: Readonly<Record<string, (path: string) => Partial<HostData>>> = {
  overlay: (path) => ({ overlay: { 'data/x': path } }),
  'a template of overlay': (path) => ({ overlay: { 'data/x': { template: path } } }),
  'facts.files': (path) => ({ facts: { ...facts, files: { role: path } } }),
  'run.environment_files': (path) => ({ environmentFiles: [path] }),
  'puppet.modulepath': (path) => ({ puppet: { ...puppet, modulepath: ['modules', path] } }),
  'puppet.hiera_config': (path) => ({ puppet: { ...puppet, hiera_config: path } }),
  'puppet.trusted_external_command': (path) => ({
    puppet: { ...puppet, trusted_external_command: path },
  }),
  'puppet.fileserver_config': (path) => ({ puppet: { ...puppet, fileserver_config: path } }),
  'puppet.external_nodes': (path) => ({ puppet: { ...puppet, external_nodes: path } }),
};

for (const [name, data] of Object.entries(NAMED)) {
  test(`row 18: ${name}: missing, writable by others, good`, async (t) => {
    const path = join(await temporaryDirectory(t), 'file');
    const check = () => requireHostFiles({ ...NO_HOST_DATA, ...data(path) });
    assert.throws(check, { code: 'FILES_MISSING' });
    await writeFile(path, 'x');
    await chmod(path, 0o666);
    assert.throws(check, { code: 'FILE_UNSAFE', next: `chmod go-w ${path}` });
    await chmod(path, 0o644);
    check();
  });
}

test('host files: all that are missing are named at once', async (t) => {
  const directory = await temporaryDirectory(t);
  const [one, two] = [join(directory, 'one'), join(directory, 'two')];
  const check = () => requireHostFiles({ ...NO_HOST_DATA, requireFiles: [one, directory, two] });
  assert.throws(check, (error: Error) => {
    const missing = `${one} (require_files: no such file), ${two} (require_files: no such file)`;
    return error.message.endsWith(missing);
  });
});

test('host files: a file inside the environment that the release lacks', async (t) => {
  const directory = await temporaryDirectory(t);
  const paths = { hiera_config: 'hiera.yaml', external_nodes: 'bin/enc', fileserver_config: '/x' };
  const data = { ...NO_HOST_DATA, puppet: { ...puppet, ...paths } };
  await writeFile(join(directory, 'hiera.yaml'), '');
  const check = () => requireInEnvironment(data, directory);
  assert.throws(check, {
    code: 'FILES_MISSING',
    message: /lacks: bin\/enc \(puppet\.external_nodes\)$/,
  });
  await mkdir(join(directory, 'bin'));
  await writeFile(join(directory, 'bin/enc'), '');
  check();
});

test('host files: an empty role file is no role', async (t) => {
  const path = join(await temporaryDirectory(t), 'role');
  await writeFile(path, '# role of this host\n\n');
  const data = { ...NO_HOST_DATA, facts: { ...facts, files: { role: path } } };
  assert.throws(() => hostFacts(data), { code: 'FILES_MISSING' });
});

const DIRECTORIES: Readonly<Record<string, (path: string) => HostData['facts']>> = {
  'facts.knobs': (path) => ({ ...facts, knobs: path }),
  'facts.knob_scripts': (path) => ({ ...facts, knobScripts: path }),
};

for (const [name, factsOf] of Object.entries(DIRECTORIES)) {
  test(`row 18: ${name}: the directory and each file belong to root alone`, async (t) => {
    const directory = join(await temporaryDirectory(t), 'knobs');
    const data = { ...NO_HOST_DATA, facts: factsOf(directory) };
    assert.deepEqual(hostFacts(data), {}, 'a directory that does not exist');
    await writeFile(directory, '');
    assert.throws(() => hostFacts(data), { code: 'CONFIG_INVALID' }, 'a file');
    await rm(directory);
    await mkdir(directory);
    const knob = join(directory, 'Color');
    await writeFile(knob, 'red\n', { mode: 0o755 });
    await writeFile(`${knob}.bak`, 'old\n');
    await mkdir(join(directory, 'sub'));
    await symlink('nowhere', join(directory, 'dangling'));
    assert.deepEqual(Object.keys(hostFacts(data)), ['color']);
    const reserved = join(directory, 'Title');
    await writeFile(reserved, 'x', { mode: 0o755 });
    assert.throws(() => hostFacts(data), { code: 'CONFIG_INVALID', next: `rename ${reserved}` });
    await rm(reserved);
    for (const path of [directory, knob]) {
      await chmod(path, 0o777);
      assert.throws(() => hostFacts(data), { code: 'FILE_UNSAFE', next: `chmod go-w ${path}` });
      await chmod(path, 0o755);
    }
  });
}
