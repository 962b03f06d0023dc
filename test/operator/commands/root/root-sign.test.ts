import assert from 'node:assert/strict';
import { copyFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { ErrorAnswer, PublishAnswer, SignAnswer } from '../../../../operator/answers.ts';
import { bound } from '../../../../operator/proposals/binding.ts';
import { Proposal } from '../../../../operator/proposals/file.ts';
import { changed, codeOf, hostOf, listKeys, newKey, signersOf } from '../../key-commands.ts';
import { BUCKET, snapshotOf } from '../../operator-lab.ts';
import { COMMIT, FILE, ROOT_ROLES, releaseOf, sign, team } from '../../proposals/team.ts';

const PUBLISH = ['publish', 'stable', '--no-validate'];

test('a root that takes two people: one proposes, one signs, either commits', async (t) => {
  const people = await team(t);
  const host = await hostOf(t, people, 'host');
  await host.poll();
  await newKey(people, 'carl');
  const rotate = ['key', 'rotate', ...ROOT_ROLES, '--add', 'carl', '--remove', 'safe'];
  const before = snapshotOf(people.server);
  assert.equal(await codeOf(people, rotate), 'KEY_MISSING');
  const proposed = await changed(people, [...rotate, '--out', FILE]);
  assert.deepEqual([proposed.outcome, proposed.missing], ['proposed', { root: 1 }]);
  assert.equal(await codeOf(people, COMMIT), 'PROPOSAL_INVALID');
  assert.deepEqual(snapshotOf(people.server), before);

  const shown = await sign(people, ...people.bob, '--noop');
  assert.deepEqual([shown.outcome, shown.changes], ['noop', proposed.changes]);
  const keys = (await listKeys(people)).keys;
  const idOf = (name: string) => keys.find((key) => key.name === name)?.keyId ?? name;
  assert.ok(shown.changes.some((line) => line.includes(`root: + key ${idOf('carl')}`)));
  assert.ok(shown.changes.some((line) => line.includes(`root: - key ${idOf('safe')}`)));
  const signed = await sign(people, ...people.bob);
  assert.deepEqual([signed.outcome, signed.missing], ['signed', {}]);
  assert.equal((await sign(people, ...people.bob)).outcome, 'unchanged');
  assert.deepEqual(snapshotOf(people.server), before);

  const done = await changed(people, COMMIT);
  assert.equal(done.outcome, 'committed');
  assert.ok(signersOf(people, '3.root.json').includes(idOf('bob')));
  assert.equal((await host.poll()).trusted.versions['root'], 3);
  assert.equal((await changed(people, COMMIT)).outcome, 'unchanged');
  const { json } = await people.mm(['root', 'sign', FILE, ...people.bob, '--json']);
  const { error } = ErrorAnswer.parse(json);
  assert.deepEqual([error.code, error.next], ['PROPOSAL_INVALID', 'mm log, to see the change']);
});

test('I17: an environment that takes two people: one signature publishes nothing, two do', async (t) => {
  const people = await team(t);
  const rotate = ['key', 'rotate', '--role', 'stable', '--add', 'bob.pub.json', '--threshold', '2'];
  await changed(people, [...rotate, '--out', FILE]);
  await sign(people, ...people.bob);
  await changed(people, COMMIT);
  const host = await hostOf(t, people, 'host');
  assert.equal((await host.poll()).trusted.environments.get('stable')?.current, undefined);
  const before = people.files();
  assert.equal(await codeOf(people, PUBLISH), 'KEY_MISSING');
  const { json, stderr } = await people.mm([...PUBLISH, '--out', FILE, '--json']);
  const proposed = PublishAnswer.parse(json, { error: () => stderr });
  assert.deepEqual([proposed.outcome, proposed.proposal], ['proposed', people.proposal]);
  assert.equal(await codeOf(people, COMMIT), 'PROPOSAL_INVALID');
  assert.deepEqual(people.files(), before);
  const { changes } = await sign(people, ...people.bob);
  assert.ok(changes.some((line) => line.includes(proposed.release.sha256)));
  await changed(people, COMMIT);
  const { trusted } = await host.poll();
  const { current } = trusted.environments.get('stable') ?? {};
  assert.equal(current?.sha256, proposed.release.sha256);
  assert.equal((await people.mm(['doctor'])).exitCode, 0);
});

/** What a proposer, or who carries the file, may have done to it. */
const SPOILED: Readonly<Record<string, (proposal: Proposal) => object | string>> = {
  'no proposal': () => '{"a":1}',
  'cut off': (proposal) => JSON.stringify(proposal).slice(0, 500),
  'an added field': (proposal) => ({ ...proposal, more: 1 }),
  'a role twice': (proposal) => ({
    ...proposal,
    documents: [...proposal.documents, ...proposal.documents],
  }),
  'a version that was passed over': (proposal) => withSigned(proposal, { version: 9 }),
  'the version of today': (proposal) => withSigned(proposal, { version: 2 }),
  'another base': (proposal) => ({
    ...proposal,
    documents: proposal.documents.map((each) => ({ ...each, base: 1 })),
  }),
  'content changed after it was signed': (proposal) =>
    withSigned(proposal, { expires: '2027-01-01T00:00:00Z' }),
  'a signature by nobody': (proposal) => ({
    ...proposal,
    documents: proposal.documents.map((each) => ({
      ...each,
      signatures: [{ keyid: 'ab'.repeat(32), sig: '00' }],
    })),
  }),
  'a signature twice': (proposal) => ({
    ...proposal,
    documents: proposal.documents.map((each) => ({
      ...each,
      signatures: [...each.signatures, ...each.signatures],
    })),
  }),
  'versions that begin again with the same keys': (proposal) => ({ ...proposal, restart: true }),
  'what the lint refuses': (proposal) => withSigned(proposal, { consistent_snapshot: false }),
};

function withSigned(proposal: Proposal, fields: object): Proposal {
  const documents = proposal.documents.map((each) => ({
    ...each,
    signed: { ...each.signed, ...fields },
  }));
  return { ...proposal, documents };
}

test('proposals that were tampered with are PROPOSAL_INVALID, and nobody signs or commits them', async (t) => {
  const people = await team(t);
  await newKey(people, 'carl');
  await changed(people, ['key', 'rotate', '--role', 'root', '--add', 'carl', '--out', FILE]);
  const good = Proposal.parse(JSON.parse(await readFile(people.proposal, 'utf8')));
  const before = snapshotOf(people.server);
  const spoiled = Object.entries(SPOILED).flatMap(([name, spoil]) => {
    const made = spoil(good);
    if (typeof made === 'string') return [{ name, text: made }];
    // A proposer can bind the documents again, and so can a carrier, who loses the signatures.
    const again = { ...made, documents: bound((made as Proposal).documents) };
    return [
      { name, text: JSON.stringify(made) },
      { name: `${name}, bound together again`, text: JSON.stringify(again) },
    ];
  });
  for (const { name, text } of spoiled) {
    await writeFile(people.proposal, text);
    const args = ['root', 'sign', FILE, ...people.bob];
    assert.equal(await codeOf(people, args), 'PROPOSAL_INVALID', name);
    assert.equal(await codeOf(people, COMMIT), 'PROPOSAL_INVALID', name);
    assert.equal(await readFile(people.proposal, 'utf8'), text, name);
  }
  assert.deepEqual(snapshotOf(people.server), before);
  await writeFile(people.proposal, JSON.stringify({ ...good, tree: 'acme/osx' }));
  assert.equal(await codeOf(people, ['root', 'sign', FILE, ...people.bob]), 'TREE_MISMATCH');
});

test('a commit that was ended half-way continues when it is repeated', async (t) => {
  const people = await team(t);
  await newKey(people, 'carl');
  const rotate = ['key', 'rotate', ...ROOT_ROLES, '--add', 'carl', '--remove', 'safe'];
  await changed(people, [...rotate, '--out', FILE]);
  await sign(people, ...people.bob);
  const key = 'ubuntu/manifests/metadata/timestamp.json';
  const match = { method: 'PUT', key };
  people.server.faults.add({ kind: 'status', status: 403, code: 'AccessDenied', match, times: 1 });
  assert.equal(await codeOf(people, COMMIT), 'S3_ACCESS_DENIED');
  // As if one of the keys were ECDSA: the same content, but never the same signatures twice.
  const targets = 'ubuntu/manifests/metadata/3.targets.json';
  const { signed, signatures } = people.metadata('3.targets.json');
  const reversed = { signatures: signatures.toReversed(), signed };
  people.server.put('fleet', targets, JSON.stringify(reversed));
  const host = await hostOf(t, people, 'host');
  await host.poll();
  assert.equal((await changed(people, COMMIT)).outcome, 'committed');
  const { versions } = (await host.poll()).trusted;
  assert.deepEqual([versions['root'], versions['targets']], [3, 3]);
  assert.equal((await changed(people, COMMIT)).outcome, 'unchanged');
});

test('a proposal for an older state is PROPOSAL_INVALID', async (t) => {
  const people = await team(t);
  await newKey(people, 'carl');
  const rotate = ['key', 'rotate', '--role', 'root', '--add', 'carl', '--out', FILE];
  await changed(people, rotate);
  await copyFile(people.proposal, `${people.proposal}.first`);
  await changed(people, ['key', 'rotate', '--role', 'online', '--add', 'carl', '--out', FILE]);
  await sign(people, ...people.bob);
  await changed(people, COMMIT);
  await rename(`${people.proposal}.first`, people.proposal);
  assert.equal(await codeOf(people, ['root', 'sign', FILE, ...people.bob]), 'PROPOSAL_INVALID');
});

test('a person without a key of a role signs nothing and gets KEY_MISSING', async (t) => {
  const people = await team(t);
  await newKey(people, 'eve', '--keys', join(people.directory, 'eve'));
  await newKey(people, 'carl');
  await changed(people, ['key', 'rotate', '--role', 'root', '--add', 'carl', '--out', FILE]);
  const eve = ['--keys', join(people.directory, 'eve')];
  assert.equal(await codeOf(people, ['root', 'sign', FILE, ...eve]), 'KEY_MISSING');
});

test('the yearly ceremony: root and targets signed again by two people, with nothing else changed', async (t) => {
  const people = await team(t);
  const proposed = await changed(people, ['renew', 'root', 'targets', '--out', FILE]);
  assert.deepEqual(proposed.missing, { root: 1, targets: 1 });
  assert.deepEqual(
    proposed.changes.filter((line) => line.startsWith(' ')),
    ['  unchanged, signed again', '  unchanged, signed again'],
  );
  await sign(people, ...people.bob);
  await changed(people, COMMIT);
  const { versions } = await changed(people, ['renew', 'online']);
  assert.deepEqual([versions?.['root'], versions?.['targets']], [3, 3]);
});

test('root sign: asks on a terminal after a line for each change; any answer but yes signs nothing', async (t) => {
  const people = await team(t);
  await people.mm(PUBLISH);
  const [from, to] = [await people.git('rev-parse', 'HEAD'), await people.commit('a.pp', '# a')];
  await releaseOf(people);
  const before = await readFile(people.proposal, 'utf8');
  const shown: string[] = [];
  const asked: string[] = [];
  const terminal = (answer: string) => ({
    show: (line: string) => void shown.push(line),
    askLine: async (question: string) => {
      asked.push(question);
      return answer;
    },
  });
  const args = ['root', 'sign', FILE, '--json', ...people.bob];
  const refused = await people.mm(args, terminal('n'));
  assert.equal(ErrorAnswer.parse(refused.json).error.code, 'NOT_CONFIRMED');
  assert.equal(await readFile(people.proposal, 'utf8'), before);
  const line = `stable 0.1.0 -> 0.1.1, git diff ${from.slice(0, 7)}..${to.slice(0, 7)}`;
  assert.equal(shown.at(-1), line);
  const signed = SignAnswer.parse((await people.mm(args, terminal('y'))).json);
  assert.deepEqual([signed.outcome, signed.summary, asked.length], ['signed', [line], 2]);
  assert.equal((await people.mm(args, terminal('n'))).exitCode, 0, 'nothing is left to sign');
  assert.equal(asked.length, 2);
});

test('root sign: says who has signed, who may still sign, and who may commit', async (t) => {
  const people = await team(t);
  const file = join(people.directory, 'my dir', FILE);
  await mkdir(dirname(file));
  const rotate = ['key', 'rotate', '--role', 'stable', '--add', 'bob.pub.json'];
  const { handover } = await changed(people, [...rotate, '--threshold', '2', '--out', file]);
  assert.deepEqual(handover?.roles.map(sortedOthers), [
    { role: 'targets', signed: 1, needed: 2, keys: 3, others: ['bob', 'safe'] },
    { role: 'env-stable', signed: 1, needed: 2, keys: 2, others: ['bob'] },
  ]);
  assert.deepEqual([handover.committers, handover.canCommitHere], [['operator'], true]);
  const { stdout } = await people.mm(['root', 'sign', file, ...people.bob]);
  assert.match(stdout, /^targets: enough have signed \(2 of 3\)$/m);
  // Bob has no online key, so Ann commits.
  assert.match(stdout, /^next: mm root commit '\/.*my dir\/proposal.json', by .*operator/m);
});

function sortedOthers<T extends { readonly others: readonly string[] }>(role: T): T {
  return { ...role, others: role.others.toSorted() };
}

test('row 2: root commit adds no signature, so a carrier gets none from a person who only uploads', async (t) => {
  const people = await team(t);
  await newKey(people, 'evil', ...people.bob);
  const rotate = ['key', 'rotate', ...ROOT_ROLES, '--add', 'evil', '--out', FILE];
  await changed(people, [...rotate, ...people.bob]);
  const before = snapshotOf(people.server);
  const asked: string[] = [];
  const askLine = async (question: string) => {
    asked.push(question);
    return 'y';
  };
  // The keys of Ann are here, and hers would be the second signature.
  const { json } = await people.mm([...COMMIT, '--json'], { askLine });
  const { code, next } = ErrorAnswer.parse(json).error;
  assert.deepEqual([code, asked], ['PROPOSAL_INVALID', []]);
  assert.match(next ?? '', /^mm root sign /);
  assert.deepEqual(snapshotOf(people.server), before);
});

test('row 2: root commit adds no signature where enough have signed', async (t) => {
  const people = await team(t);
  const stable = ['key', 'rotate', '--role', 'stable'];
  await changed(people, [...stable, '--add', 'bob.pub.json', '--out', FILE]);
  await sign(people, ...people.bob);
  await changed(people, COMMIT);
  const { stdout } = await people.mm([...PUBLISH, '--out', FILE, ...people.bob]);
  assert.match(stdout, /^stable: enough have signed \(1 of 2\)/m);
  await changed(people, COMMIT);
  assert.equal(signersOf(people, '2.env-stable.json').length, 1);
  // Nothing says that Ann has chosen the release, so she is asked about it.
  const remove = [...stable, '--remove', 'bob', '--out', FILE];
  assert.equal(await codeOf(people, remove), 'USAGE');
});

test('lost files: nobody signs unnoticed a proposal that continues an older state', async (t) => {
  const people = await team(t);
  const renew = ['renew', 'targets', '--out', FILE];
  await changed(people, renew);
  await copyFile(people.proposal, `${people.proposal}.first`);
  await sign(people, ...people.bob);
  await changed(people, COMMIT);
  await rename(`${people.proposal}.first`, people.proposal);
  people.server.delete(BUCKET, 'ubuntu/manifests/metadata/3.targets.json');
  await rm(join(people.repository, '.miyamoto'), { recursive: true });
  await sign(people, '--noop');
  const args = ['root', 'sign', FILE, ...people.bob];
  assert.equal(await codeOf(people, args), 'NOT_CONFIRMED');
  const { outcome } = await sign(people, '--without', '3.targets.json', ...people.bob);
  assert.equal(outcome, 'signed');
});
