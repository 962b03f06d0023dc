import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorAnswer } from '../../../operator/answers.ts';
import { jsonObject } from '../../../shared/json.ts';
import { changed, codeOf } from '../key-commands.ts';
import {
  COMMIT,
  edited,
  FILE,
  put,
  readProposalOf,
  releaseOf,
  sign,
  type Team,
  team,
} from './team.ts';

const SIGN = ['root', 'sign', FILE];
const NOOP = [...SIGN, '--noop'];

/** What Bob sees on his terminal, white space as it was printed. */
async function seen(people: Team, ...args: readonly string[]): Promise<string[]> {
  const { exitCode, stdout, stderr } = await people.mm([...args]);
  assert.equal(exitCode, 0, stderr);
  return `${stdout}\n${stderr}`.split('\n');
}

test('row 2: names of keys that are swapped in a renewed root are shown', async (t) => {
  const people = await team(t);
  await changed(people, ['renew', 'root', '--out', FILE]);
  const good = await readProposalOf(people);
  const names = Object.entries(jsonObject(good.documents[0]?.signed['x-key-names']));
  const [[first, a], [second, b]] = names as [[string, string], [string, string]];
  const swapped = { ...Object.fromEntries(names), [first]: b, [second]: a };
  await put(people, edited(good, 'root', { 'x-key-names': swapped }));
  const lines = await seen(people, ...NOOP);
  assert.ok(lines.includes(`  x-key-names.${first}: "${b}" (was "${a}")`), lines.join('\n'));
  assert.ok(lines.includes(`  x-key-names.${second}: "${a}" (was "${b}")`));
  assert.ok(!lines.some((line) => line.includes('unchanged, signed again')));
});

test('row 2: a long field does not hide the new sha256, and is shown whole', async (t) => {
  const people = await team(t);
  const good = await releaseOf(people);
  const targets = jsonObject(good.documents[0]?.signed['targets']);
  const release = jsonObject(targets['stable/current']);
  const { sha256 } = jsonObject(release['hashes']);
  const filling = `${'x'.repeat(9000)} end`;
  const custom = { ...jsonObject(release['custom']), filling };
  const content = { ...targets, 'stable/current': { ...release, custom } };
  await put(people, edited(good, 'env-stable', { targets: content }));
  const place = 'targets["stable/current"]';
  const wanted = [
    `  ${place}.custom.filling: "${filling}" (was absent)`,
    `  ${place}.hashes.sha256: "${String(sha256)}" (was absent)`,
  ];
  const { diff } = await sign(people, '--noop');
  assert.ok(diff.some(({ now }) => now === JSON.stringify(filling)));
  for (const lines of [await seen(people, ...NOOP), await seen(people, ...SIGN, ...people.bob)]) {
    assert.deepEqual(
      wanted.filter((line) => !lines.includes(line)),
      [],
    );
  }
});

test('row 2: other fields, spec_version and controls are shown, as JSON in ASCII', async (t) => {
  const people = await team(t);
  await changed(people, ['renew', 'targets', '--out', FILE]);
  const good = await readProposalOf(people);
  const fields = {
    spec_version: '1.0.99',
    'x-\u001b]52;c;eA==\u0007': { 'a.b': ['\u202e\u200b\n\u009b2J', null, {}] },
  };
  await put(people, edited(good, 'targets', fields));
  const lines = await seen(people, ...NOOP);
  const place = String.raw`["x-\u001b]52;c;eA==\u0007"]["a.b"]`;
  for (const line of [
    '  spec_version: "1.0.99" (was "1.0.31")',
    String.raw`  ${place}[0]: "\u202e\u200b\n\u009b2J" (was absent)`,
    `  ${place}[1]: null (was absent)`,
    `  ${place}[2]: {} (was absent)`,
  ]) {
    assert.ok(lines.includes(line), `${line}\n${lines.join('\n')}`);
  }
  assert.doesNotMatch(lines.join(''), /[^\x20-\x7e]/);
});

test('row 2: an extra role in the root is shown', async (t) => {
  const people = await team(t);
  await changed(people, ['renew', 'root', '--out', FILE]);
  const good = await readProposalOf(people);
  const roles = jsonObject(good.documents[0]?.signed['roles']);
  const extra = { ...roles, mirrors: roles['root'] };
  await put(people, edited(good, 'root', { roles: extra }));
  const lines = await seen(people, ...NOOP);
  assert.ok(lines.includes('  roles.mirrors.threshold: 2 (was absent)'));
  assert.ok(!lines.some((line) => line.includes('unchanged, signed again')));
});

test('row 2: what is too large to be shown is refused, not cut, and committed by nobody', async (t) => {
  const people = await team(t);
  await changed(people, ['renew', 'targets', '--out', FILE]);
  const good = await readProposalOf(people);
  const many = Object.fromEntries(Array.from({ length: 5001 }, (_, n) => [`x${n}`, n]));
  const fields = {
    'a long text': { 'x-long': 'x'.repeat(20_000) },
    'a long name': { [`x-${'x'.repeat(20_000)}`]: 1 },
    'many values': { 'x-many': many },
  };
  for (const [name, value] of Object.entries(fields)) {
    await put(people, edited(good, 'targets', value));
    const args = [...SIGN, ...people.bob];
    const { json } = await people.mm([...args, '--json']);
    const { code, message } = ErrorAnswer.parse(json).error;
    assert.equal(code, 'PROPOSAL_INVALID', name);
    assert.match(message, /too long to be shown|values change: wanted at most/, name);
    assert.equal(await codeOf(people, COMMIT), 'PROPOSAL_INVALID', name);
  }
});

test('row 2: who adds a signature by root commit is shown the same', async (t) => {
  const people = await team(t);
  await changed(people, ['renew', 'targets', '--out', FILE]);
  const { diff } = await sign(people, '--noop');
  const good = await readProposalOf(people);
  // Not `expires`: within one second it is the same again.
  const change = diff.find(({ path }) => path === 'version');
  const line = `  version: ${change?.now} (was ${change?.was})`;
  await sign(people, ...people.bob);
  const signed = await readProposalOf(people);
  assert.equal(signed.documents[0]?.signatures.length, 2);
  assert.deepEqual(signed.documents[0].signed, good.documents[0]?.signed);
  const lines = await seen(people, ...COMMIT);
  assert.ok(lines.includes(line), `${line}\nis not in\n${lines.join('\n')}`);
});
