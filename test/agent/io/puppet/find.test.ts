import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { findPuppet } from '../../../../agent/io/puppet/find.ts';
import { hostPuppet } from '../../../../agent/io/puppet/puppet.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';

const FAKE = join(import.meta.dirname, '../../../fixtures/puppet/fake');

/** A program that counts how often its version is requested. */
async function program(t: TestContext, version: string): Promise<{ path: string; asked: string }> {
  const directory = await temporaryDirectory(t);
  const path = join(directory, 'bin/puppet');
  const asked = join(directory, 'asked');
  await mkdir(dirname(path));
  await writeFile(path, `#!/bin/sh\necho x >>${asked}\necho ${version}\n`, { mode: 0o755 });
  return { path, asked };
}

function find(configured: string | undefined, searchPath = '') {
  return findPuppet({ configured, searchPath, environment: {} });
}

suite('finding Puppet', () => {
  test('the setting wins over what is installed', async () => {
    const puppet = hostPuppet({ configuredPath: FAKE, launcher: 'group' });
    assert.deepEqual(await puppet.find(), { path: FAKE, version: '7.23.0' });
  });

  test('a setting that names a missing program is not replaced by another Puppet', async () => {
    await assert.rejects(find('/nowhere/puppet', dirname(FAKE)), (error: Error) => {
      assert.match(error.message, /\/nowhere\/puppet \(not there\)/);
      assert.equal(Reflect.get(error, 'code'), 'PUPPET_MISSING');
      assert.match(String(Reflect.get(error, 'next')), /run\.puppet/);
      return true;
    });
  });

  test('a file that is not a program is reported as such', async (t) => {
    const { path } = await program(t, '8.0.0');
    await chmod(path, 0o644);
    await assert.rejects(find(path), { code: 'PUPPET_MISSING', message: /not executable/ });
    await assert.rejects(find(dirname(path)), { code: 'PUPPET_MISSING', message: /no file/ });
  });

  test('a Puppet that is too old', async (t) => {
    const { path } = await program(t, '5.5.22');
    await assert.rejects(find(path), { code: 'PUPPET_MISSING', message: /5\.5\.22/ });
  });

  test('a program that does not print its version', async (t) => {
    const { path } = await program(t, '8.0.0; exit 3');
    await assert.rejects(find(path), { code: 'PUPPET_MISSING' });
  });
});

suite('the version', () => {
  test('is read from the library beside the program, through links', async (t) => {
    const { path, asked } = await program(t, '1.0.0');
    const library = join(dirname(path), '../lib/ruby/vendor_ruby/puppet/version.rb');
    await mkdir(dirname(library), { recursive: true });
    await writeFile(library, "module Puppet\n  PUPPETVERSION = '9.0.0-beta2'\nend\n");
    const link = join(await temporaryDirectory(t), 'puppet');
    await symlink(path, link);
    assert.deepEqual(await find(link), { path: link, version: '9.0.0-beta2' });
    await assert.rejects(readFile(asked));
  });

  test('is requested once as long as the program stays the same', async (t) => {
    const { path, asked } = await program(t, '8.10.0');
    for (let time = 0; time < 3; time += 1) assert.equal((await find(path)).version, '8.10.0');
    assert.equal(await readFile(asked, 'utf8'), 'x\n');
    await utimes(path, 1, 1);
    await find(path);
    assert.equal(await readFile(asked, 'utf8'), 'x\nx\n');
  });
});
