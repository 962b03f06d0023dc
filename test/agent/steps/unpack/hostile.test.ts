import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { noise } from '../../../support/release-example.ts';
import {
  gnuLongEntry,
  paxEntry,
  type TarEntry,
  tarArchive,
  tarEntry,
  tarGz,
  writeChecksum,
} from '../../../support/tar-writer.ts';
import { assertRefused, assertRefusedByRules, directory, file, link } from './surroundings.ts';

const special = (type: string, linkpath = ''): TarEntry => ({ path: 'special', type, linkpath });

/** Even when they are signed, none of these may be written, not even in part. */
const unsafe: Record<string, readonly (TarEntry | Buffer)[]> = {
  'an absolute path': [file('/tmp/evil')],
  'a path that climbs': [file('../evil')],
  'a path that climbs later': [file('a/../../evil')],
  'a path that climbs and comes back': [file('a/../b')],
  'a directory that climbs': [directory('../evil/')],
  'the directory above': [directory('..')],
  'a single dot inside': [file('a/./b')],
  'a file called dot': [file('.')],
  'an empty name inside': [file('a//b')],
  'two dots behind a dot': [file('./../evil')],
  'an absolute path behind a dot': [file('.//tmp/evil')],
  'a newline': [file('a\nb')],
  'an escape sequence for terminals': [file('a\u001b[2Jb')],
  'a name that is not UTF-8': [file(Buffer.from([0x61, 0xff, 0xfe]))],
  'no name': [file('')],
  'a prefix that climbs': [{ path: 'evil', prefix: '../..', content: 'x' }],
  'an absolute prefix': [{ path: 'evil', prefix: '/tmp', content: 'x' }],
  'a climbing prefix before a fine extended path': [
    paxEntry({ path: '../evil' }),
    { path: 'fine', prefix: 'fine', content: 'x' },
  ],

  'a link to nothing': [paxEntry({ linkpath: '' }), link('l', '')],
  'a file through a link': [directory('d'), link('l', 'd'), file('l/evil')],
  'a file through a link to the tree': [link('l', '.'), file('l/evil')],
  'a directory in the place of a link': [directory('d'), link('l', 'd'), directory('l')],
  'a link through a link': [directory('d'), link('l', 'd'), link('l/m', '..')],

  'a hard link inside': [file('a'), { path: 'h', type: '1', linkpath: 'a' }],
  'a hard link outside': [{ path: 'h', type: '1', linkpath: '/etc/shadow' }],
  'a character device': [special('3')],
  'a block device': [special('4')],
  'a FIFO': [special('6')],
  'a contiguous file': [special('7')],
  'a GNU dump directory': [special('D')],
  'a sparse file': [special('S')],
  'an unknown kind': [special('Z')],
  setuid: [{ path: 'a', mode: 0o4755, content: 'x' }],
  setgid: [{ path: 'a', mode: 0o2755, content: 'x' }],
  sticky: [{ path: 'a', mode: 0o1755, content: 'x' }],
  'a setgid directory': [directory('a', 0o2755)],
  'a setuid link': [{ path: 'l', type: '2', linkpath: 'a', mode: 0o4777 }],

  'the same file twice': [file('a'), file('a')],
  'the same file twice, once with a dot': [file('a'), file('./a')],
  'the same directory twice': [directory('a/'), directory('a')],
  'a file in the place of a directory': [file('a/b'), file('a')],
  'a directory in the place of a file': [file('a'), directory('a')],
  'a file below a file': [file('a'), file('a/b')],
  'a name of 256 bytes': [paxEntry({ path: 'n'.repeat(256) }), file('cut')],
  'a name of 256 bytes in two-byte letters': [paxEntry({ path: 'é'.repeat(128) }), file('cut')],
  'a path of more than 1,024 bytes': [paxEntry({ path: `${'d/'.repeat(512)}x` }), file('cut')],
  'a name of 5,000 bytes': [paxEntry({ path: 'n'.repeat(5000) }), file('cut')],
  'a path of 5,000 bytes': [paxEntry({ path: 'd/'.repeat(2500) }), directory('cut')],
  "a path of 5,000 bytes in GNU's long form": [gnuLongEntry(`${'d/'.repeat(2500)}x`), file('cut')],
  'a target of 5,000 bytes': [paxEntry({ linkpath: 'd/'.repeat(2500) }), link('l', 'cut')],
  'a target of more than 1,024 bytes': [gnuLongEntry('d/'.repeat(600), 'K'), link('l', 'cut')],

  'an extended path that climbs': [paxEntry({ path: '../evil' }), file('fine')],
  'an extended path that is absolute': [paxEntry({ path: '/tmp/evil' }), file('fine')],
  'an extended path with a NUL': [paxEntry({ path: 'fine\0/../../evil' }), file('fine')],
  "a long name of GNU's that climbs": [gnuLongEntry('../evil'), file('fine')],
  "a long name of GNU's with a NUL": [gnuLongEntry('fine\0/../../evil'), file('fine')],
  'a climbing name hidden behind two extended headers': [
    paxEntry({ path: 'fine' }),
    gnuLongEntry('../evil'),
    file('fine'),
  ],
  'a target from a global header': [paxEntry({ linkpath: 'other' }, 'g'), link('l', 'fine')],
  'a path from a global header': [paxEntry({ path: 'other' }, 'g'), file('fine')],
  'a size from a global header': [paxEntry({ size: '0' }, 'g'), file('fine', 'x'.repeat(600))],
  'a size of a fraction': [paxEntry({ size: '0.5' }), file('fine')],
  'a size that no number holds': [paxEntry({ size: '1e400' }), file('fine')],
  'a size of 2 to the power of 64': [paxEntry({ size: String(2n ** 64n) }), file('fine')],
  'a size of 11 bytes, as GNU writes large ones': [
    garbled(tarEntry(file('a', '')), 124, '\x80'.concat('\x7f'.repeat(11)), 'latin1'),
  ],
  'a sparse file by extended headers': [
    paxEntry({ 'GNU.sparse.major': '1', 'GNU.sparse.realsize': String(2 ** 40) }),
    file('GNUSparseFile.0/a', '1\n0\n0\n'),
  ],
  'a size beyond the end of the archive': [{ path: 'a', content: 'x', size: 5000 }],
  'a size that is no number': [garbled(tarEntry(file('a', '')), 124, 'zzzzzzzzzzz')],
  'a mode that is no number': [garbled(tarEntry(file('a')), 100, 'zzzzzzz')],
  'an extended header of 100 kB': [paxEntry({ comment: 'c'.repeat(70_000) }), file('a')],
  'a wrong checksum': [{ ...file('a'), checksumError: 1 }],
  'a wrong checksum after a good file': [file('a'), { ...file('b'), checksumError: -1 }],
};

/** The header with other text at that offset and a corrected checksum. */
function garbled(
  entry: Buffer,
  offset: number,
  text: string,
  encoding: BufferEncoding = 'utf8',
): Buffer {
  const header = Buffer.from(entry.subarray(0, 512));
  header.write(text, offset, encoding);
  writeChecksum(header);
  return Buffer.concat([header, entry.subarray(512)]);
}

for (const [name, entries] of Object.entries(unsafe)) {
  test(`unpack: ${name} is refused, and nothing is left`, async (t) => {
    // A good file comes first: it must not stay either.
    const bytes = tarGz([file('first/good.pp'), ...entries]);
    for (const links of ['refuse', 'keep'] as const) {
      await assertRefused(t, bytes, 'ARCHIVE_UNSAFE', links);
      await assertRefusedByRules(t, bytes, { links });
    }
  });
}

const whole = tarArchive([file('a', 'x'.repeat(600))]);

const incompressible = tarArchive([{ path: 'a', content: noise(5000, 'a') }]);

const damaged: Record<string, Buffer> = {
  'no bytes': Buffer.alloc(0),
  text: Buffer.from('<html>captive portal</html>'),
  'a tar file without gzip': whole,
  'zstd in place of gzip': zstdCompressSync(whole),
  'gzip of no bytes': gzipSync(''),
  'gzip of zeros only': gzipSync(Buffer.alloc(511)),
  'gzip of text': gzipSync('x'.repeat(5000)),
  'gzip that is cut off': gzipSync(whole).subarray(0, -20),
  'gzip with a wrong checksum': flipped(gzipSync(whole), -8),
  'gzip in gzip': gzipSync(gzipSync(incompressible)),
  'zstd in gzip': gzipSync(zstdCompressSync(incompressible)),
  'an archive cut off in a file': gzipSync(whole.subarray(0, 700)),
  'an archive cut off in a header': gzipSync(whole.subarray(0, 200)),
  'an archive without its end mark': gzipSync(tarArchive([file('a')], { end: false })),
  'an archive with half an end mark': gzipSync(
    Buffer.concat([tarArchive([file('a')], { end: false }), Buffer.alloc(512)]),
  ),
};

function flipped(bytes: Buffer, at: number): Buffer {
  const changed = Buffer.from(bytes);
  changed[changed.length + at]! ^= 1;
  return changed;
}

for (const [name, bytes] of Object.entries(damaged)) {
  test(`unpack: ${name} is refused, and nothing is left`, async (t) => {
    await assertRefused(t, bytes, 'ARCHIVE_UNSAFE');
  });
}

const zeros = Buffer.alloc(50_000_000);

const tooLarge: Record<string, Buffer> = {
  'a file above the limit': tarGz([file('a', 'x'.repeat(100_001))]),
  'files above the limit together': tarGz([
    file('a', 'x'.repeat(60_000)),
    file('b', 'x'.repeat(60_000)),
  ]),
  'a bomb: 50 MB in 50 kB': tarGz([{ path: 'a', content: zeros }]),
  'a bomb behind the end mark': gzipSync(Buffer.concat([whole, Buffer.alloc(1024), zeros])),
  'a file that claims a terabyte': tarGz([
    paxEntry({ size: String(2 ** 40) }),
    { path: 'a', content: zeros },
  ]),
  'a file that claims a terabyte in a few bytes': tarGz([
    paxEntry({ size: String(2 ** 40) }),
    file('a'),
  ]),
  'more files than the limit': tarGz(Array.from({ length: 21 }, (_, n) => file(`f${n}`))),
  'more directories than the limit, none of them given': tarGz([file(`${'d/'.repeat(20)}f`)]),
};

for (const [name, bytes] of Object.entries(tooLarge)) {
  test(`unpack: ${name} is refused, and nothing is left`, async (t) => {
    await assertRefused(t, bytes, 'ARCHIVE_TOO_LARGE');
  });
}
