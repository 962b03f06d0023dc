import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { Parser } from 'tar';
import type { ConfigPackage } from '../../../operator/packages/config-package.ts';
import { debPackage } from '../../../operator/packages/deb.ts';
import { rpmPackage } from '../../../operator/packages/rpm.ts';

/* What dpkg and rpm make of the packages is tested in test/boxes. */

const CONFIG: ConfigPackage = {
  name: 'miyamoto-site-ubuntu',
  version: '1.42',
  summary: 'for the test',
  description: 'A package.\nIt does nothing.',
  requires: 'miyamoto-agent',
  kind: 'miyamoto-site',
  files: [
    { path: '/etc/miyamoto/agent.yaml', content: Buffer.from('bucket: fleet\n') },
    { path: '/etc/miyamoto/root.json', content: Buffer.from('{}') },
  ],
  afterwards: 'echo done\n',
};

test('deb: an ar archive with the version of the format, control and data', async () => {
  const members = arMembers(debPackage(CONFIG));
  assert.deepEqual([...members.keys()], ['debian-binary', 'control.tar.gz', 'data.tar.gz']);
  assert.equal(String(members.get('debian-binary')), '2.0\n');
  const control = await untar(members.get('control.tar.gz'));
  assert.match(control['./control'] ?? '', /^Package: miyamoto-site-ubuntu\nVersion: 1\.42\n/);
  assert.equal(control['./conffiles'], '/etc/miyamoto/agent.yaml\n/etc/miyamoto/root.json\n');
  assert.equal(control['./postinst'], '#!/bin/sh\nset -e\necho done\n');
  const sum = createHash('md5').update('{}').digest('hex');
  assert.ok(control['./md5sums']?.includes(`${sum}  etc/miyamoto/root.json\n`));
  assert.match(control['./control'] ?? '', /^Description: for the test\n A package\.\n It does/m);
  const data = Object.entries(await untar(members.get('data.tar.gz')));
  assert.deepEqual(Object.fromEntries(data.filter(([path]) => !path.startsWith('./usr/'))), {
    './': '',
    './etc/': '',
    './etc/miyamoto/': '',
    './etc/miyamoto/agent.yaml': 'bucket: fleet\n',
    './etc/miyamoto/root.json': '{}',
  });
});

test('rpm: lead, signature with digests of the header, header, and the files', () => {
  const rpm = rpmPackage(CONFIG);
  assert.equal(rpm.readUInt32BE(0), 0xedabeedb);
  const signature = headerAt(rpm, 96);
  const header = headerAt(rpm, Math.ceil(signature.end / 8) * 8);
  const bytes = rpm.subarray(header.start, header.end);
  assert.equal(signature.text(273), createHash('sha256').update(bytes).digest('hex'));
  assert.equal(header.text(1000), 'miyamoto-site-ubuntu');
  assert.equal(header.text(1022), 'noarch');
  const payload = rpm.subarray(header.end);
  assert.equal(header.text(5092), createHash('sha256').update(payload).digest('hex'));
  const archive = gunzipSync(payload).toString('latin1');
  assert.deepEqual(archive.match(/\.\/etc\/[\w./]+/g), [
    './etc/miyamoto/agent.yaml',
    './etc/miyamoto/root.json',
  ]);
  assert.ok(archive.includes('bucket: fleet\n'));
});

for (const [name, write] of Object.entries({ debPackage, rpmPackage })) {
  test(`${name}: the same files give the same bytes, other files give others`, () => {
    const [file] = CONFIG.files;
    assert.ok(file);
    assert.ok(write(CONFIG).equals(write(CONFIG)));
    const other = { ...CONFIG, files: [{ ...file, content: Buffer.from('bucket: other\n') }] };
    assert.ok(!write(CONFIG).equals(write(other)));
  });
}

function arMembers(bytes: Buffer): Map<string, Buffer> {
  assert.equal(bytes.toString('latin1', 0, 8), '!<arch>\n');
  const members = new Map<string, Buffer>();
  for (let at = 8; at < bytes.length; ) {
    const name = bytes.toString('latin1', at, at + 16).trimEnd();
    const size = Number(bytes.toString('latin1', at + 48, at + 58));
    assert.equal(bytes.toString('latin1', at + 58, at + 60), '`\n');
    members.set(name, bytes.subarray(at + 60, at + 60 + size));
    at += 60 + size + (size % 2);
  }
  return members;
}

/** Content by path; every entry belongs to root. */
async function untar(bytes: Buffer = Buffer.alloc(0)): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  await new Promise((resolve, reject) => {
    const parser = new Parser({ strict: true });
    parser.on('entry', (entry) => {
      assert.deepEqual([entry.uid, entry.gid, entry.uname], [0, 0, 'root']);
      found[entry.path] = '';
      entry.on('data', (chunk: Buffer) => {
        found[entry.path] += String(chunk);
      });
    });
    parser.on('end', resolve);
    parser.on('error', reject);
    parser.end(bytes);
  });
  return found;
}

/** A header structure of an rpm, read as its documentation describes it. */
function headerAt(rpm: Buffer, start: number) {
  assert.equal(rpm.readUInt32BE(start), 0x8eade801);
  const [count, size] = [rpm.readUInt32BE(start + 8), rpm.readUInt32BE(start + 12)];
  const store = start + 16 + 16 * count;
  return {
    start,
    end: store + size,
    text(wanted: number): string {
      for (let entry = start + 16; entry < store; entry += 16) {
        if (rpm.readUInt32BE(entry) !== wanted) continue;
        const from = store + rpm.readUInt32BE(entry + 8);
        return rpm.toString('utf8', from, rpm.indexOf(0, from));
      }
      assert.fail(`no tag ${wanted}`);
    },
  };
}
