import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReadEntry } from 'tar/read-entry';
import { TreeWriter } from '../../../../agent/steps/unpack/write.ts';
import { gnuLongEntry, paxEntry, type TarEntry, tarGz } from '../../../support/tar-writer.ts';
import { names, temporaryDirectory } from '../../../support/temporary-directory.ts';
import {
  assertRefused,
  assertRefusedByRules,
  assertUnpacked,
  directory,
  file,
  ignoresCase,
  link,
} from './surroundings.ts';

/** Refused unless the signed metadata keeps links. */
const leaving: Record<string, readonly (TarEntry | Buffer)[]> = {
  'a link to an absolute path': [link('l', '/etc')],
  'a link that climbs': [link('l', '../evil')],
  'a link that climbs from below': [link('a/l', '../../evil')],
  'a link to the directory above': [link('l', '..')],
  'a link that goes down and up': [link('l', 'a/../../evil')],
  'a chain of links that climbs': [link('a/b/c/l', '../../..'), link('m', 'a/b/c/l/..')],
  'a link whose extended target climbs': [paxEntry({ linkpath: '../evil' }), link('l', 'fine')],
  "a link whose target climbs in GNU's long form": [
    gnuLongEntry('../evil', 'K'),
    link('l', 'fine'),
  ],
};

/** Refused where the file system ignores case; elsewhere they are what they seem. */
const ambiguous: Record<string, readonly (TarEntry | Buffer)[]> = {
  backslashes: [file('..\\..\\evil')],
  'a drive letter and backslashes': [file('C:\\evil')],
  'a link with backslashes': [link('l', '..\\evil')],
  'a file through a link of other case': [directory('d'), link('l', 'd'), file('L/evil')],
  'two names of different case': [file('Readme'), file('README')],
  'two directories of different case': [file('Mod/a'), file('mod/b')],
  'a directory above and a directory of different case': [file('Mod/a'), directory('mod')],
  'two Unicode forms of a name': [file('caf\u00e9'), file('cafe\u0301')],
  'a ligature and its letters': [file('\ufb01le'), file('file')],
  'sharp s and two s': [file('stra\u00dfe'), file('STRASSE')],
};

/**
 * Refused although links are kept: each tries to have something written through a link to `evil`,
 * which is outside.
 */
const throughLinks: Record<string, readonly (TarEntry | Buffer)[]> = {
  'a file in the place of a link to a file': [link('l', '../../../evil'), file('l')],
  'a link to a file in the place of a file': [file('l'), link('l', '../../../evil')],
  'a file below a link to a directory': [link('l', '../../..'), file('l/evil')],
  'a link to a directory above a file': [file('l/evil'), link('l', '../../..')],
  'a link in the place of a directory': [directory('l'), link('l', '../../..'), file('l/evil')],
  'a directory in the place of a link': [link('l', '../../..'), directory('l'), file('l/evil')],
  'a link below a link': [link('l', '../../..'), link('l/evil', 'x')],
  'two links of one name': [link('l', '../../..'), link('l', 'x')],
  'a link in the place of the tree': [link('.', '../../..'), file('evil')],
  'a hard link to a link': [
    link('l', '../../../evil'),
    { path: 'h', type: '1', linkpath: 'l', content: 'x' },
  ],
};

for (const [name, entries] of Object.entries(leaving)) {
  test(`I20 unpack: ${name} is refused, and nothing is left`, async (t) => {
    const bytes = tarGz([file('first/good.pp'), ...entries]);
    await assertRefused(t, bytes, 'ARCHIVE_UNSAFE');
    await assertRefusedByRules(t, bytes);
  });
}

for (const [name, entries] of Object.entries(throughLinks)) {
  test(`I20 unpack: links are kept, and ${name} is refused`, async (t) => {
    const bytes = tarGz([file('first/good.pp'), ...entries]);
    await assertRefused(t, bytes, 'ARCHIVE_UNSAFE', 'keep');
    await assertRefusedByRules(t, bytes, { links: 'keep' });
  });
}

for (const [name, entries] of Object.entries(ambiguous)) {
  test(`unpack: ${name} is refused where case does not count`, async (t) => {
    const bytes = tarGz([file('first/good.pp'), ...entries]);
    await assertRefusedByRules(t, bytes, { names: 'portable' });
    if (!(await ignoresCase(t))) await assertUnpacked(t, bytes);
    else await assertRefused(t, bytes, 'ARCHIVE_UNSAFE');
  });
}

for (const [name, entries] of Object.entries(leaving)) {
  test(`I20 unpack: links are kept, and ${name} is made without a look at its target`, async (t) => {
    await assertUnpacked(t, tarGz([file('first/good.pp'), ...entries]), 'keep');
  });
}

test('I20 unpack: the file system has the last word when a link and a directory are one name to it', async (t) => {
  const tree = await temporaryDirectory(t);
  using writer = new TreeWriter(tree);
  const entry = { resume() {}, path: 'l' } as unknown as ReadEntry;
  // As if the rules had taken "L" and "l" for two names on a file system that ignores case.
  writer.write({ kind: 'link', path: 'l', target: '/' }, entry);
  writer.write({ kind: 'directory', path: 'l' }, entry);
  assert.deepEqual(await names(tree), ['l']);
  assert.throws(() => writer.makeLinks(), { code: 'ARCHIVE_UNSAFE' });
});
