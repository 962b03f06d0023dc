import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseContent } from '../../../operator/metadata/signed-file.ts';
import type { VerifiedMetadata } from '../../../operator/metadata/verified.ts';
import { diffDocuments, diffLines } from '../../../operator/proposals/diff.ts';

/** The signed list of binaries, with these reasons by name. */
function listOf(reasons: Readonly<Record<string, string>>) {
  const hashes = { sha256: 'a'.repeat(64) };
  const targets = Object.fromEntries(
    Object.entries(reasons).map(([name, reason]) => [
      `binaries/files/${name}`,
      { length: 1, hashes, custom: { reason } },
    ]),
  );
  const expires = '2027-01-01T00:00:00Z';
  return { _type: 'targets', spec_version: '1.0.31', version: 1, expires, targets };
}

type Reasons = Readonly<Record<string, string>>;

/** The diff of the list of binaries, and of targets as far as it is given. */
function diffOf(
  before: Reasons,
  after: Reasons,
  targets?: readonly [before: Reasons, after: Reasons],
) {
  const [was = {}, is] = targets ?? [];
  const verified = {
    roles: new Map([['binaries', parseContent(listOf(before), 'targets')]]),
    targets: parseContent(listOf(was), 'targets'),
  } as unknown as VerifiedMetadata;
  const documents = [
    { role: 'binaries', base: 1, signed: listOf(after), signatures: [] },
    ...(is === undefined ? [] : [{ role: 'targets', base: 1, signed: listOf(is), signatures: [] }]),
  ];
  const changes = diffDocuments(verified, documents);
  return { changes, lines: diffLines(changes) };
}

const named = (count: number, prefix = 'n') =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`${prefix}${at}`, 'why']));

test('row 2: a removal that is too large to be read is one line with a digest, and whole in --json', () => {
  const { changes, lines } = diffOf({ ...named(3000), kept: 'why' }, { kept: 'why', added: 'b' });
  const [, digest] =
    /^ {2}9000 values: removed, sha256 ([0-9a-f]{64}) of the list/.exec(lines.at(-1) ?? '') ?? [];
  assert.ok(digest !== undefined, lines.at(-1));
  const added = 'targets["binaries/files/added"]';
  assert.deepEqual(lines.slice(0, -1), [
    'signed in binaries:',
    `  ${added}.custom.reason: "b" (was absent)`,
    `  ${added}.hashes.sha256: "${'a'.repeat(64)}" (was absent)`,
    `  ${added}.length: 1 (was absent)`,
  ]);
  assert.equal(changes.filter(({ now }) => now === null).length, 9000);
  const again = diffOf({ ...named(3000), kept: 'why' }, { kept: 'why' }).lines;
  assert.equal(again.at(-1), lines.at(-1), 'two signers see the same digest');
  const other = diffOf({ ...named(3000), kept: 'why' }, { n7: 'why' }).lines;
  assert.ok(!other.some((line) => line.includes(digest)));
});

test('row 2: a removal that can be read is shown value by value', () => {
  const { lines } = diffOf(named(1600), {});
  assert.equal(lines.length, 1 + 3 * 1600 + 1);
});

test('row 2: old values that are too long prevent neither their removal nor their replacement', () => {
  const long = 'x'.repeat(20_000);
  const { lines } = diffOf({ a: long, [long]: 'why', b: 'why' }, { a: 'short', b: 'why' });
  assert.match(lines[1] ?? '', /\.reason: "short" \(was 20002 characters, sha256 [0-9a-f]{64}\)$/);
  assert.match(lines[2] ?? '', /^ {2}3 values: removed, sha256 /);
  assert.equal(lines.length, 3);
});

test('row 2: a large removal hides none from targets', () => {
  const { lines } = diffOf(named(3000), {}, [{ a: 'why', b: 'why' }, { a: 'why' }]);
  assert.ok(lines.includes('  targets["binaries/files/b"].length: removed (was 1)'));
  const code = 'PROPOSAL_INVALID';
  assert.throws(() => diffOf({}, {}, [named(3000), { a: 'why' }]), { code });
  assert.throws(() => diffOf({}, {}, [{ ['x'.repeat(20_000)]: 'why' }, { a: 'why' }]), { code });
});

test('row 2: what would be signed is never folded', () => {
  const code = 'PROPOSAL_INVALID';
  assert.throws(() => diffOf(named(3000), named(3000, 'm')), { code });
  assert.throws(() => diffOf({ a: 'why' }, { a: 'x'.repeat(20_000) }), { code });
});
