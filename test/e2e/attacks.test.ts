import assert from 'node:assert/strict';
import { readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { blobKey, metadataKey } from '../../bucket/layout.ts';
import { type AgentLab, agentLab, BUCKET, manifestWriting, TREE } from '../support/agent-lab.ts';
import { tarArchive } from '../support/tar-writer.ts';
import { TufSimulator } from '../support/tuf/simulator.ts';
import { sha256 } from '../support/tuf/simulator-keys.ts';

/**
 * Each row: a host runs 1.0.0, a thief with write access to the bucket changes something, and the
 * host keeps running 1.0.0 and reports why. Puppet is a script here; releases.test.ts uses the real
 * one. Numbers are those of docs/trust.md.
 */
interface Attack {
  readonly play: (lab: AgentLab) => void;
  readonly code: string;
  readonly state?: string;
}

const DAY_MS = 86_400_000;
const newer = { 'manifests/site.pp': "notify { 'evil': }\n" };

const attacks: Record<string, Attack> = {
  '01 the tarball is altered': {
    play: (lab) => {
      lab.publish('1.1.0', newer);
      const digest = [...lab.simulator.blobs.keys()].at(-1)!;
      const bytes = Buffer.from(lab.simulator.blobs.get(digest)!);
      bytes[40] = bytes[40]! ^ 1;
      lab.server.put(BUCKET, blobKey(TREE, digest), bytes);
    },
    code: 'BLOB_MISMATCH',
  },
  '03 the tarball is cut': {
    play: (lab) => {
      lab.publish('1.1.0', newer);
      const digest = [...lab.simulator.blobs.keys()].at(-1)!;
      lab.server.put(
        BUCKET,
        blobKey(TREE, digest),
        lab.simulator.blobs.get(digest)!.subarray(0, 50),
      );
    },
    code: 'BLOB_MISMATCH',
  },
  '05 a field of the metadata is altered': {
    play: (lab) => {
      lab.publish('1.1.0', newer);
      const bytes = lab.simulator.files.get('timestamp.json')!.toString();
      lab.server.put(
        BUCKET,
        metadataKey(TREE, 'timestamp.json'),
        bytes.replace('"version":3', '"version":4'),
      );
    },
    code: 'METADATA_UNSIGNED',
  },
  "12 another tree's files, signed with its own keys": {
    play: (lab) => {
      const other = new TufSimulator({ treeId: 'acme-test/osx', keys: lab.simulator.keys });
      other.publish('stable', '9.0.0', {
        bytes: gzipSync(tarArchive([{ path: 'manifests/site.pp', content: '' }])),
      });
      for (const [file, bytes] of other.files)
        lab.server.put(BUCKET, metadataKey(TREE, file), bytes);
    },
    code: 'TREE_MISMATCH',
  },
  '11 the metadata expires': {
    play: (lab) => {
      lab.simulator.now = Date.now() - 30 * DAY_MS;
      lab.simulator.commit();
      lab.sync();
    },
    code: 'METADATA_EXPIRED',
    state: 'metadata-expired:timestamp',
  },
  'an archive that climbs out': {
    play: (lab) => {
      const bytes = gzipSync(tarArchive([{ path: '../../../../evil', content: 'evil' }]));
      lab.simulator.publish('stable', '1.1.0', { bytes });
      lab.sync();
    },
    code: 'ARCHIVE_UNSAFE',
  },
  'I20 links that leave the release, which its metadata does not keep': {
    play: (lab) => {
      lab.simulator.publish('stable', '1.1.0', { bytes: withLeavingLink() });
      lab.sync();
    },
    code: 'ARCHIVE_UNSAFE',
  },
};

function withLeavingLink(): Buffer {
  return gzipSync(
    tarArchive([
      { path: 'manifests/site.pp', content: '' },
      { path: 'modules/motd/files/motd', type: '2', linkpath: '/etc/motd' },
    ]),
  );
}

for (const [name, { play, code, state = 'error' }] of Object.entries(attacks)) {
  test(`attack ${name}`, async (t) => {
    const lab = await agentLab(t);
    const puppet = await lab.fakePuppet();
    await lab.configure(`run: { puppet: ${puppet} }\n`);
    lab.publish('1.0.0', manifestWriting('/nowhere', 'one'));
    await lab.once();
    const before = await releases(lab);

    play(lab);
    const ended = await lab.once();
    const status = lab.status();
    assert.equal(status.trust.error?.code, code, ended.stderr);
    assert.equal(status.trust.state, state);
    assert.equal(status.release?.version, '1.0.0', 'keeps the release');
    assert.equal(status.run?.reason.includes('keeping the active release'), true, 'and applies it');
    assert.deepEqual(await releases(lab), before, 'nothing new is on the disk');
    assert.deepEqual(await leftovers(lab), []);
  });
}

test('I20 links that leave the release are made only for metadata that keeps them', async (t) => {
  const lab = await agentLab(t);
  const puppet = await lab.fakePuppet();
  await lab.configure(`run: { puppet: ${puppet} }\n`);
  const publish = (version: string, custom: { readonly links?: 'keep' }) => {
    lab.simulator.publish('stable', version, { bytes: withLeavingLink(), custom });
    lab.sync();
  };
  publish('1.0.0', { links: 'keep' });
  const first = await lab.once();
  assert.equal(lab.status().release?.version, '1.0.0', first.stderr);
  const [release = ''] = await releases(lab);
  const made = join(lab.paths.releases, release, 'tree/modules/motd/files/motd');
  assert.equal(await readlink(made), '/etc/motd');

  // The same tarball is on the disk already; its new metadata does not keep links.
  lab.publish('1.1.0', newer);
  await lab.once();
  publish('1.2.0', {});
  const second = await lab.once();
  assert.equal(lab.status().trust.error?.code, 'ARCHIVE_UNSAFE', second.stderr);
  assert.equal(lab.status().release?.version, '1.1.0');
});

test('attack: a host without a release applies nothing', async (t) => {
  const lab = await agentLab(t);
  lab.publish('1.0.0', newer);
  const digest = [...lab.simulator.blobs.keys()].at(-1)!;
  lab.server.put(BUCKET, blobKey(TREE, digest), 'not the tarball');
  assert.equal(sha256('not the tarball') === digest, false);
  const ended = await lab.once();
  assert.equal(ended.code, 23, ended.stderr);
  assert.equal(lab.status().release, null);
  assert.equal(lab.status().run?.status, 'skipped');
  assert.deepEqual(await releases(lab), []);
});

async function releases(lab: AgentLab): Promise<string[]> {
  return (await readdir(lab.paths.releases).catch(() => [])).sort();
}

async function leftovers(lab: AgentLab): Promise<string[]> {
  const found = await Promise.all(
    [lab.paths.releases, lab.paths.state, lab.paths.trust].map((path) => readdir(path)),
  );
  return found.flat().filter((name) => /\.(partial|unverified|tmp|deleting|next)$/.test(name));
}
