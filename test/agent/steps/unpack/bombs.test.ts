import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { hostPaths } from '../../../../agent/paths.ts';
import { IS_SOAK } from '../../../support/soak.ts';
import { startStep } from '../../../support/steps-child.ts';
import { paxEntry, tarArchive, tarEntry } from '../../../support/tar-writer.ts';
import { names, temporaryDirectory } from '../../../support/temporary-directory.ts';
import { file } from './surroundings.ts';

const SHA256 = 'b'.repeat(64);
/** Of tar, a multiple of its blocks. */
const HUNDRED_MB = 512 * 200_000;
const MAX_RSS_KB = 400_000;

/** Members of one gzip file: a repeated one costs nothing to compress. */
type Members = () => readonly (readonly [member: Buffer, times: number])[];

const zip = (bytes: Buffer): Buffer => gzipSync(bytes, { level: 1 });
const zeros = (): Buffer => zip(Buffer.alloc(HUNDRED_MB));

/** With the limits of a host: 1 GB and 100,000 files. */
const bombs: Readonly<Record<string, Members>> = {
  'a file of 100 GB of zeros': () => [
    [
      zip(Buffer.concat([paxEntry({ size: String(1000 * HUNDRED_MB) }), tarEntry(file('a', ''))])),
      1,
    ],
    [zeros(), IS_SOAK ? 1000 : 1],
  ],
  ...(IS_SOAK && {
    '100 GB of zeros behind the end mark': () => [
      [zip(tarArchive([file('a')])), 1],
      [zeros(), 1000],
    ],
    '100 GB in files of 100 MB': () =>
      Array.from({ length: 1000 }, (_, index) => [
        Buffer.concat([zip(tarEntry({ path: `f${index}`, size: HUNDRED_MB })), ZEROS]),
        1,
      ]),
    '10 million entries': () => [
      [
        zip(Buffer.concat(Array.from({ length: 100_001 }, (_, n) => tarEntry(file(`f${n}`, ''))))),
        1,
      ],
      [zip(Buffer.concat(Array.from({ length: 1000 }, () => tarEntry(file('f', ''))))), 9900],
    ],
    '10 million extended headers without an entry': () => [
      [
        zip(Buffer.concat(Array.from({ length: 1000 }, () => paxEntry({ comment: 'none' })))),
        10_000,
      ],
    ],
  }),
};
const ZEROS = IS_SOAK ? zeros() : Buffer.alloc(0);

for (const [name, members] of Object.entries(bombs)) {
  test(`unpack: ${name}, with the limits of a host: refused, with little memory, and nothing is left`, async (t) => {
    const root = await temporaryDirectory(t);
    const paths = hostPaths({ platform: 'linux', root });
    mkdirSync(paths.blobs, { recursive: true });
    const bytes = members().flatMap(([member, times]) => Array<Buffer>(times).fill(member));
    const path = join(paths.blobs, `${SHA256}.tar.gz`);
    for (const member of bytes) writeFileSync(path, member, { flag: 'a' });
    const { lines } = startStep(t, ['unpack-given', root, SHA256]);
    assert.equal((await lines.next()).value, 'ARCHIVE_TOO_LARGE');
    const rss = Number((await lines.next()).value);
    assert.ok(rss < MAX_RSS_KB, `${rss} kB`);
    t.diagnostic(`${rss} kB`);
    assert.deepEqual(await names(paths.releases), []);
  });
}
