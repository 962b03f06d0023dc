import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { agentLab } from '../support/agent-lab.ts';

/**
 * Bytes that a process has read and written so far, in files and network (proc(5), `/proc/pid/io`).
 */
interface Transferred {
  readonly rchar: number;
  readonly wchar: number;
}

test('a release: its tarball is read from the bucket and the disk, and it and its files are written, all once', {
  skip: process.platform === 'linux' ? false : 'only Linux counts them',
}, async (t) => {
  const lab = await agentLab(t);
  const counted = join(lab.root, 'io');
  // Puppet starts when the release is active. The script reads the counters of the agent that
  // started it.
  const puppet = await lab.fakePuppet(`cat /proc/$PPID/io >${counted}`);
  await lab.configure(`run: { puppet: ${puppet} }\n`);
  const transferred = async (): Promise<Transferred> => {
    const { code, stderr } = await lab.once();
    assert.equal(code, 0, stderr);
    const text = await readFile(counted, 'utf8');
    const bytes = (field: string) => Number(new RegExp(`^${field}: (\\d+)$`, 'm').exec(text)?.[1]);
    return { rchar: bytes('rchar'), wchar: bytes('wchar') };
  };
  const content = Array.from({ length: 40 }, () => randomBytes(150_000).toString('base64'));
  const files = content.map((text, n) => [`modules/big/files/${n}`, text] as const);

  lab.publish('1.0.0', { 'manifests/site.pp': '' });
  await transferred();
  const before = await transferred();
  lab.publish('2.0.0', { 'manifests/site.pp': '', ...Object.fromEntries(files) });
  const after = await transferred();

  const tarball = Math.max(...[...lab.simulator.blobs.values()].map(({ length }) => length));
  const unpacked = content.join('').length;
  const times = (field: keyof Transferred, bytes: number) => (after[field] - before[field]) / bytes;
  // Read from the bucket, and from the disk after verification; written as a tarball and as files.
  assert.ok(Math.abs(times('rchar', 2 * tarball) - 1) < 0.1, `read ${times('rchar', 2 * tarball)}`);
  const written = times('wchar', tarball + unpacked);
  assert.ok(Math.abs(written - 1) < 0.1, `written ${written}`);
});
