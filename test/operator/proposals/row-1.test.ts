import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorAnswer } from '../../../operator/answers.ts';
import { requireBound } from '../../../operator/proposals/binding.ts';
import type { Proposal } from '../../../operator/proposals/file.ts';
import { nested } from '../../support/nested.ts';
import { changed, hostOf, newKey } from '../key-commands.ts';
import { snapshotOf } from '../operator-lab.ts';
import {
  COMMIT,
  FILE,
  proposedAgain,
  put,
  ROOT_ROLES,
  readProposalOf,
  sign,
  type Team,
  team,
} from './team.ts';

const PUBLISH = ['publish', 'stable', '--no-validate', '--out', FILE];
const SIGN = ['root', 'sign', FILE];

/** Neither Bob signs it nor Ann commits it, and nothing is written. Returns the message. */
async function refused(people: Team, proposal: object, what: string): Promise<string> {
  await put(people, proposal);
  const before = snapshotOf(people.server);
  let message = '';
  for (const args of [[...SIGN, ...people.bob], [...SIGN, '--noop'], COMMIT]) {
    const { exitCode, json } = await people.mm([...args, '--json']);
    assert.equal(exitCode, 1, what);
    const { error } = ErrorAnswer.parse(json);
    assert.equal(error.code, 'PROPOSAL_INVALID', what);
    message = error.message;
  }
  assert.deepEqual(snapshotOf(people.server), before, what);
  return message;
}

/** A revocation that two people have signed: the safe's key out of root and targets. */
async function revocation(people: Team): Promise<Proposal> {
  await newKey(people, 'carl');
  const rotate = ['key', 'rotate', ...ROOT_ROLES, '--role', 'stable'];
  await changed(people, [...rotate, '--add', 'carl', '--remove', 'operator', '--out', FILE]);
  await sign(people, ...people.bob);
  return await readProposalOf(people);
}

test('row 1: "restart": true in a release proposal is refused, and versions go on', async (t) => {
  const people = await team(t);
  const host = await hostOf(t, people, 'host');
  await changed(people, [
    'key',
    'rotate',
    '--role',
    'stable',
    '--add',
    'bob.pub.json',
    '--threshold',
    '2',
    '--out',
    FILE,
  ]);
  await sign(people, ...people.bob);
  await changed(people, COMMIT);
  const seen = (await host.poll()).trusted.versions;
  assert.equal((await people.mm(PUBLISH)).exitCode, 0);
  await sign(people, ...people.bob);
  const good = await readProposalOf(people);
  await refused(people, { ...good, restart: true }, 'restart');
  await put(people, good);
  await changed(people, COMMIT);
  const { versions } = (await host.poll()).trusted;
  for (const role of ['snapshot', 'timestamp']) {
    assert.ok(Number(versions[role]) > Number(seen[role]), role);
  }
});

test('row 1: a proposal without one of its documents is refused with the name of that document', async (t) => {
  const people = await team(t);
  const good = await revocation(people);
  assert.deepEqual(
    good.documents.map(({ role }) => role),
    ['root', 'targets', 'env-stable'],
  );
  for (const { role } of good.documents) {
    const documents = good.documents.filter((each) => each.role !== role);
    const message = await refused(people, { ...good, documents }, role);
    assert.match(message, new RegExp(`^${role} is missing`));
  }
  await put(people, good);
  assert.equal((await changed(people, COMMIT)).outcome, 'committed');
});

test('row 1: documents that were added, exchanged or moved are refused', async (t) => {
  const people = await team(t);
  await changed(people, ['renew', 'root', 'stable', '--out', FILE]);
  const other = await readProposalOf(people);
  await changed(people, ['renew', 'testing', '--out', FILE]);
  const testing = (await readProposalOf(people)).documents;
  const good = await revocation(people);
  const from = (role: string) => other.documents.filter((each) => each.role === role);
  const exchanged = (role: string) =>
    good.documents.map((each) => (each.role === role ? from(role)[0]! : each));
  const message = await refused(
    people,
    { ...good, documents: [...good.documents, ...testing] },
    'added',
  );
  assert.match(message, /^env-testing was not proposed together with root/);
  for (const role of ['root', 'env-stable']) {
    await refused(people, { ...good, documents: exchanged(role) }, `exchanged ${role}`);
  }
  await refused(people, { ...good, documents: good.documents.toReversed() }, 'order');
  const rebased = good.documents.map((each) => ({ ...each, base: each.base + 1 }));
  await refused(people, { ...good, documents: rebased }, 'base');
  const bare = good.documents.map((each) => {
    const { 'x-proposal': _, ...signed } = each.signed;
    return { ...each, signed, signatures: [] };
  });
  await refused(people, { ...good, documents: bare }, 'not bound');
  await refused(people, { ...good, by: 'somebody else', purpose: 'a renewal' }, 'texts');
});

test('row 1: a proposal that leaves a role behind is refused, also when its proposer bound it so', async (t) => {
  const people = await team(t);
  const good = await revocation(people);
  const documents = good.documents.filter(({ role }) => role !== 'env-stable');
  const message = await refused(people, proposedAgain(good, documents), 'env-stable');
  assert.match(message, /^env-stable is missing: hosts would refuse/);
});

test('row 1: versions begin again if and only if the signed root replaces every online key', async (t) => {
  const people = await team(t);
  const host = await hostOf(t, people, 'host');
  await host.poll();
  await newKey(people, 'online2');
  await changed(people, ['key', 'rotate', '--role', 'online', '--add', 'online2', '--out', FILE]);
  await sign(people, ...people.bob);
  await changed(people, COMMIT);
  const { versions: on } = (await host.poll()).trusted;
  assert.ok(Number(on['timestamp']) > 2, 'a key stays: its versions continue');
  await newKey(people, 'online3');
  const recover = ['key', 'rotate', '--role', 'online', '--recover', '--add', 'online3'];
  await changed(people, [...recover, '--out', FILE]);
  const { changes } = await sign(people, ...people.bob);
  assert.ok(changes.some((line) => line.includes('can begin again')));
  await changed(people, COMMIT);
  const { versions } = (await host.poll()).trusted;
  // The snapshot takes the first name that is free.
  assert.equal(versions['timestamp'], 1);
});

test('row 1: the mark of a proposal is not taken over into the next version', async (t) => {
  const people = await team(t);
  await revocation(people);
  await changed(people, COMMIT);
  assert.match(people.metadata('3.root.json').signed['x-proposal'], /^continues root 2, targets 2/);
  await changed(people, ['renew', 'stable']);
  const last = people
    .files()
    .filter((file) => file.endsWith('.env-stable.json'))
    .at(-1);
  assert.equal(people.metadata(String(last)).signed['x-proposal'], undefined);
});

test('row 1: half surrogates and numbers that are not integers are refused', () => {
  for (const value of ['\ud800', { '\udfff': 1 }, 1.5]) {
    const documents = [{ role: 'root', base: 1, signed: { value } }];
    assert.throws(() => requireBound(documents), {
      code: 'PROPOSAL_INVALID',
      message: /not (canonical|Unicode)/,
    });
  }
});

test('nesting: a proposal with 2,600 levels is refused before anything walks it', async (t) => {
  const people = await team(t);
  await changed(people, ['renew', 'targets', '--out', FILE]);
  const good = await readProposalOf(people);
  const documents = good.documents.map((each) => ({
    ...each,
    signed: { ...each.signed, 'x-a': nested(2600) },
  }));
  assert.match(await refused(people, { ...good, documents }, 'levels'), /at most 64 levels/);
  assert.match(await refused(people, { ...good, more: nested(2600) }, 'elsewhere'), /levels/);
});
