import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { replaceFileSync, writeFileAtomicSync } from '../../shared/atomic-file.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

for (const write of [writeFileAtomicSync, replaceFileSync]) {
  test(`${write.name}: replaces a file with content and mode, and leaves no other file`, async (t) => {
    const directory = await temporaryDirectory(t);
    const path = join(directory, 'state.json');
    writeFileSync(path, 'old');
    write(path, 'new', { mode: 0o600 });
    assert.equal(readFileSync(path, 'utf8'), 'new');
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(directory), ['state.json']);
  });

  test(`${write.name}: a mode that was asked for does not depend on the umask`, async (t) => {
    const directory = await temporaryDirectory(t);
    const umask = process.umask(0o077);
    t.after(() => process.umask(umask));
    for (const [options, mode] of [
      [{ mode: 0o644 }, 0o644],
      [{}, 0o600],
    ] as const) {
      const path = join(directory, mode.toString(8));
      write(path, 'new', options);
      assert.equal(statSync(path).mode & 0o777, mode);
    }
  });

  test(`row 20: ${write.name} does not follow a link with a guessable name`, async (t) => {
    const directory = await temporaryDirectory(t);
    const [path, victim] = [join(directory, 'state.json'), join(directory, 'victim')];
    writeFileSync(victim, 'untouched');
    for (const suffix of ['.tmp', '.new', '~']) symlinkSync(victim, `${path}${suffix}`);
    write(path, 'new');
    assert.equal(readFileSync(victim, 'utf8'), 'untouched');
    assert.equal(readFileSync(path, 'utf8'), 'new');
  });

  test(`row 20: ${write.name} never opens a temporary file that exists`, async (t) => {
    const directory = await temporaryDirectory(t);
    const [path, victim] = [join(directory, 'state.json'), join(directory, 'victim')];
    writeFileSync(victim, 'untouched');
    const crypto = process.getBuiltinModule('node:crypto');
    t.mock.method(crypto, 'randomBytes', () => Buffer.from('abcdefabcdef', 'hex'));
    symlinkSync(victim, `${path}.${process.pid}-abcdefabcdef.tmp`);
    assert.throws(() => write(path, 'new'), { code: 'EEXIST' });
    assert.equal(readFileSync(victim, 'utf8'), 'untouched');
  });

  test(`${write.name}: removes the leftovers of a killed write, but not the file of a running one`, async (t) => {
    const directory = await temporaryDirectory(t);
    const path = join(directory, 'state.json');
    const { pid: ended } = spawnSync('true');
    const old = `${path}.${process.pid}-0123456789ab.tmp`;
    const killed = `${path}.${ended}-0123456789ab.tmp`;
    const fresh = `${path}.${process.pid}-ba9876543210.tmp`;
    const foreign = join(directory, `other.json.${ended}-0123456789ab.tmp`);
    for (const file of [old, killed, fresh, foreign]) writeFileSync(file, '');
    for (const file of [old, foreign]) utimesSync(file, 1, 1);
    write(path, 'new');
    assert.deepEqual(readdirSync(directory).sort(), [
      basename(foreign),
      'state.json',
      basename(fresh),
    ]);
  });

  test(`${write.name}: a failed write leaves nothing behind`, async (t) => {
    const directory = await temporaryDirectory(t);
    assert.throws(() => write(directory, 'new'));
    assert.deepEqual(readdirSync(directory), []);
  });
}
