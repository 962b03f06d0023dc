import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ErrorAnswer } from '../../../../operator/answers.ts';
import {
  BinariesInitAnswer,
  BinariesListAnswer,
  BinariesPutAnswer,
  BinariesRemoveAnswer,
} from '../../../../operator/binaries-answers.ts';
import { CleanAnswer } from '../../../../operator/clean-answer.ts';
import type { Context } from '../../../../operator/context.ts';
import { BUCKET, copiedPerTest, initialized, type OperatorLab, TREE } from '../../operator-lab.ts';

const DAY_MS = 86_400_000;

const withRole = copiedPerTest(async (t) => {
  const lab = await initialized(t);
  const { exitCode, json, stderr } = await lab.mm(['binaries', 'init', '--json']);
  assert.equal(exitCode, 0, stderr);
  assert.equal(BinariesInitAnswer.parse(json).outcome, 'added');
  return lab;
});

/** Writes a file beside the control repository. */
async function given(lab: OperatorLab, name: string, content: string): Promise<string> {
  const path = join(lab.directory, name);
  await writeFile(path, content);
  return path;
}

function sha256Of(content: string): string {
  return createHash('sha256').update(content).digest('hex');
}

function keyOf(name: string, content: string): string {
  return `${TREE}/binaries/${sha256Of(content)}.${name}`;
}

async function put(lab: OperatorLab, args: readonly string[], more: Partial<Context> = {}) {
  const { exitCode, json, stderr } = await lab.mm(['binaries', 'put', ...args, '--json'], more);
  assert.equal(exitCode, 0, stderr);
  return BinariesPutAnswer.parse(json);
}

async function list(lab: OperatorLab) {
  const { exitCode, json, stderr } = await lab.mm(['binaries', 'list', '--json']);
  assert.equal(exitCode, 0, stderr);
  return BinariesListAnswer.parse(json).binaries;
}

async function refused(
  lab: OperatorLab,
  args: readonly string[],
  more: Partial<Context> = {},
): Promise<ErrorAnswer['error']> {
  const { exitCode, json, stdout } = await lab.mm(['binaries', ...args, '--json'], more);
  assert.notEqual(exitCode, 0, stdout);
  return ErrorAnswer.parse(json).error;
}

test('binaries: put, list, replace, remove, and clean after 90 days', async (t) => {
  const lab = await withRole(t);
  const files = [await given(lab, 'a_1.0~rc1+b.deb', 'one'), await given(lab, 'b.pkg', 'two')];
  const first = await put(lab, [...files, '--reason', 'ticket 4711']);
  assert.deepEqual(
    first.binaries.map(({ name, length, change }) => [name, length, change]),
    [
      ['a_1.0~rc1+b.deb', 3, 'added'],
      ['b.pkg', 3, 'added'],
    ],
  );
  assert.equal(lab.server.get(BUCKET, keyOf('b.pkg', 'two'))?.toString(), 'two');
  const [a, b] = await list(lab);
  assert.deepEqual(
    [a?.name, a?.sha256, a?.reason],
    ['a_1.0~rc1+b.deb', sha256Of('one'), 'ticket 4711'],
  );
  assert.match(String(a?.by), /@/);
  assert.ok(Date.parse(String(b?.at)) > 0);

  const again = await put(lab, files);
  assert.deepEqual([again.outcome, again.objects], ['unchanged', []]);

  await given(lab, 'b.pkg', 'other');
  for (const more of [[], ['--noop']]) {
    const { stdout, stderr } = await lab.mm(['binaries', 'put', String(files[1]), ...more]);
    assert.match(stdout + stderr, /: to be replaced$/m, 'nothing is replaced yet');
  }
  const doubt = await refused(lab, ['put', String(files[1])]);
  assert.equal(doubt.code, 'NOT_CONFIRMED');
  assert.match(String(doubt.next), /--replace/);
  assert.equal(lab.server.get(BUCKET, keyOf('b.pkg', 'other')), undefined, 'nothing is uploaded');
  const replaced = await put(lab, [String(files[1]), '--replace']);
  assert.deepEqual([replaced.outcome, replaced.binaries[0]?.change], ['put', 'replaced']);
  assert.equal(lab.server.get(BUCKET, keyOf('b.pkg', 'two'))?.toString(), 'two', 'for other hosts');

  const unsure = await refused(lab, ['remove', 'a_1.0~rc1+b.deb']);
  assert.equal(unsure.code, 'NOT_CONFIRMED');
  const gone = await lab.mm(['binaries', 'remove', 'a_1.0~rc1+b.deb', '--yes', '--json']);
  assert.equal(BinariesRemoveAnswer.parse(gone.json).outcome, 'removed');
  assert.deepEqual(
    (await list(lab)).map(({ name }) => name),
    ['b.pkg'],
  );

  const clean = async (days: number) => {
    const now = () => Date.now() + days * DAY_MS;
    const { json, stderr } = await lab.mm(['clean', '--yes', '--json'], { now });
    return CleanAnswer.parse(json ?? assert.fail(stderr)).removed.map(({ key }) => key);
  };
  assert.deepEqual(await clean(89), []);
  assert.deepEqual(
    await clean(91),
    [keyOf('b.pkg', 'two'), keyOf('a_1.0~rc1+b.deb', 'one')].sort(),
  );
  assert.equal(lab.server.get(BUCKET, keyOf('b.pkg', 'other'))?.toString(), 'other');
});

test('binaries: mm clean keeps what was removed a short time ago, and what mm did not write', async (t) => {
  const lab = await withRole(t);
  const file = await given(lab, 'a.deb', 'one');
  await put(lab, [file]);
  lab.server.put(BUCKET, `${TREE}/binaries/by-hand.deb`, 'by hand');
  const later = { now: () => Date.now() + 100 * DAY_MS };
  const removed = await lab.mm(['binaries', 'remove', 'a.deb', '--yes', '--json'], later);
  assert.equal(removed.exitCode, 0, removed.stderr);
  const clean = async (days: number) => {
    const now = () => Date.now() + days * DAY_MS;
    return CleanAnswer.parse((await lab.mm(['clean', '--yes', '--json'], { now })).json).removed;
  };
  assert.deepEqual(await clean(101), []);
  assert.deepEqual(
    (await clean(191)).map(({ key }) => key),
    [keyOf('a.deb', 'one')],
  );
  assert.ok(lab.server.get(BUCKET, `${TREE}/binaries/by-hand.deb`));
});

test('binaries: a tree without the role works, and says which command adds it', async (t) => {
  const lab = await initialized(t);
  const file = await given(lab, 'a.deb', 'one');
  for (const args of [['put', file], ['list'], ['remove', 'a.deb', '--yes']]) {
    const { code, next } = await refused(lab, args);
    assert.equal(code, 'METADATA_MISSING');
    assert.match(String(next), /mm binaries init/);
  }
  assert.equal((await lab.mm(['publish', 'stable', '--no-validate'])).exitCode, 0);
  assert.equal((await lab.mm(['binaries', 'init'])).exitCode, 0);
  const twice = await lab.mm(['binaries', 'init', '--json']);
  assert.equal(BinariesInitAnswer.parse(twice.json).outcome, 'unchanged');
  await put(lab, [file]);
  await lab.commit('manifests/site.pp', 'node default { notify { "a": } }\n');
  for (const args of [['publish', 'stable', '--no-validate'], ['renew', 'binaries'], ['doctor']]) {
    const done = await lab.mm(args);
    assert.equal(done.exitCode, 0, done.stderr);
  }
  assert.equal((await list(lab)).length, 1);
  const { json } = await lab.mm(['environment', 'add', 'binaries', '--json']);
  assert.equal(json.outcome, 'added', 'an environment may have the same name');
  assert.equal((await list(lab)).length, 1);
});

/** Arguments that are refused, and the code. */
const REFUSED: Record<string, readonly [args: (lab: OperatorLab) => string[], code: string]> = {
  'a file that does not exist': [() => ['put', 'nowhere.deb'], 'USAGE'],
  'a directory': [({ directory }) => ['put', directory], 'USAGE'],
  'an empty file': [({ directory }) => ['put', join(directory, 'empty')], 'USAGE'],
  'a name with a blank': [({ directory }) => ['put', join(directory, 'a b.dmg')], 'USAGE'],
  'a name that leaves the directory': [
    ({ directory }) => ['put', join(directory, 'a b.dmg'), '--name', '../a'],
    'USAGE',
  ],
  'the name of a release': [
    ({ directory }) => ['put', join(directory, 'a b.dmg'), '--name', 'current'],
    'USAGE',
  ],
  'one name for two files': [
    ({ directory }) => ['put', join(directory, 'x/c'), join(directory, 'y/c')],
    'USAGE',
  ],
  '--name for two files': [
    ({ directory }) => ['put', join(directory, 'x/c'), join(directory, 'y/c'), '--name', 'c'],
    'USAGE',
  ],
  'to remove what is not there': [() => ['remove', 'tolls.deb', '--yes'], 'BINARY_UNKNOWN'],
};
test('binaries: wrong arguments are refused, and nothing is uploaded', async (t) => {
  const lab = await withRole(t);
  await given(lab, 'empty', '');
  await given(lab, 'a b.dmg', 'content');
  for (const directory of ['x', 'y']) {
    await mkdir(join(lab.directory, directory));
    await given(lab, `${directory}/c`, directory);
  }
  await put(lab, [await given(lab, 'tools.deb', 'tools')]);
  const before = lab.server.keys(BUCKET);
  for (const [name, [args, code]] of Object.entries(REFUSED)) {
    const error = await refused(lab, args(lab));
    assert.equal(error.code, code, name);
    assert.ok(error.next, name);
    if (code === 'BINARY_UNKNOWN') assert.match(error.message, /did you mean tools\.deb/);
  }
  assert.deepEqual(lab.server.keys(BUCKET), before);
});

test('binaries: without a key of the role nothing is uploaded', async (t) => {
  const lab = await withRole(t);
  const file = await given(lab, 'a.deb', 'one');
  const keys = join(lab.directory, 'no-keys');
  await mkdir(keys);
  const { code } = await refused(lab, ['put', file, '--keys', keys]);
  assert.equal(code, 'KEY_MISSING');
  assert.deepEqual(await binaryKeys(lab), []);
});

test('binaries: --noop writes nothing', async (t) => {
  const lab = await withRole(t);
  const before = lab.server.keys(BUCKET);
  const done = await put(lab, [await given(lab, 'a.deb', 'one'), '--noop']);
  assert.equal(done.outcome, 'noop');
  assert.equal(done.objects[0], keyOf('a.deb', 'one'));
  assert.deepEqual(lab.server.keys(BUCKET), before);
});

test('binaries: an object of other content is found, and one that is missing is brought back', async (t) => {
  const lab = await withRole(t);
  const file = await given(lab, 'a.deb', 'one');
  await put(lab, [file]);
  const key = keyOf('a.deb', 'one');
  lab.server.put(BUCKET, key, 'two');
  assert.equal((await refused(lab, ['put', file])).code, 'BLOB_MISMATCH');
  lab.server.delete(BUCKET, key);
  await put(lab, [file]);
  assert.equal(lab.server.get(BUCKET, key)?.toString(), 'one');
});

test('binaries: several people sign them by a proposal', async (t) => {
  const lab = await withRole(t);
  const proposal = join(lab.directory, 'proposal.json');
  const done = await put(lab, [await given(lab, 'a.deb', 'one'), '--out', proposal]);
  assert.equal(done.outcome, 'proposed');
  assert.deepEqual(await list(lab), []);
  for (const command of ['sign', 'commit']) {
    const { exitCode, stdout, stderr } = await lab.mm(['root', command, proposal]);
    assert.equal(exitCode, 0, stderr);
    if (command === 'sign') {
      const line = `a\\.deb: sha256 nothing -> ${sha256Of('one').slice(0, 8)}\n`;
      assert.match(stdout + stderr, new RegExp(sha256Of('one')));
      assert.match(stdout + stderr, new RegExp(line));
    }
  }
  assert.deepEqual(
    (await list(lab)).map(({ name }) => name),
    ['a.deb'],
  );
});

test('binaries: a revoked key leaves no binary without a valid signature', async (t) => {
  const lab = await withRole(t);
  await put(lab, [await given(lab, 'a.deb', 'one')]);
  const made = await lab.mm(['key', 'new', 'second', '--json']);
  assert.equal(made.exitCode, 0, made.stderr);
  const revoke = ['key', 'revoke', 'operator', '--replace-by', 'second'];
  const undecided = await lab.mm([...revoke, '--json']);
  assert.equal(ErrorAnswer.parse(undecided.json).error.code, 'USAGE', undecided.stderr);
  const done = await lab.mm([...revoke, '--keep']);
  assert.equal(done.exitCode, 0, done.stderr);
  assert.deepEqual(
    (await list(lab)).map(({ name, sha256 }) => [name, sha256]),
    [['a.deb', sha256Of('one')]],
  );
});

async function binaryKeys({ server }: OperatorLab): Promise<readonly string[]> {
  return server.keys(BUCKET).filter((key) => key.startsWith(`${TREE}/binaries/`));
}
