import assert from 'node:assert/strict';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SignAnswer } from '../../../operator/answers.ts';
import { bound } from '../../../operator/proposals/binding.ts';
import { Proposal } from '../../../operator/proposals/file.ts';
import { changed, keysOf, newKey } from '../key-commands.ts';
import { copiedPerTest, initialized, type OperatorLab, type Owner } from '../operator-lab.ts';

export const FILE = 'proposal.json';
export const COMMIT = ['root', 'commit', FILE];
export const ROOT_ROLES = ['--role', 'root', '--role', 'targets'];

export interface Team extends OperatorLab {
  /** `--keys` of each person: each has only their own keys. */
  readonly ann: readonly string[];
  readonly bob: readonly string[];
  readonly proposal: string;
}

/** A tree whose root takes two of Ann, Bob and the safe; Ann alone has the online key. */
export async function team(t: Owner): Promise<Team> {
  const lab = await teamTree(t);
  return { ...lab, ann: [], bob: keysOfBob(lab), proposal: join(lab.repository, FILE) };
}

const keysOfBob = ({ directory }: OperatorLab) => ['--keys', join(directory, 'bob')];

const teamTree = copiedPerTest(async (t) => {
  const lab = await initialized(t);
  const bob = keysOfBob(lab);
  await newKey(lab, 'bob', ...bob);
  const file = join(lab.repository, 'bob.pub.json');
  await lab.mm(['key', 'export', 'bob', '--out', file, ...bob]);
  const people = ['--add', 'operator', '--add', 'bob.pub.json'];
  // The safe is opened for the last time: from here on it takes two people.
  await changed(lab, ['key', 'rotate', ...ROOT_ROLES, ...people, '--threshold', '2']);
  await mkdir(join(lab.directory, 'safe'));
  await rename(join(keysOf(lab), 'safe.json'), join(lab.directory, 'safe/safe.json'));
  return lab;
});

/** A release of stable that Ann has proposed; it takes two people. */
export async function releaseOf(people: Team, ...more: readonly string[]): Promise<Proposal> {
  const rotate = ['key', 'rotate', '--role', 'stable', '--add', 'bob.pub.json'];
  await changed(people, [...rotate, '--threshold', '2', '--out', FILE]);
  await sign(people, ...people.bob);
  await changed(people, COMMIT);
  const publish = ['publish', 'stable', '--no-validate', '--out', FILE, ...more];
  const { exitCode, stderr } = await people.mm(publish);
  assert.equal(exitCode, 0, stderr);
  return await readProposalOf(people);
}

export async function sign(people: Team, ...args: readonly string[]): Promise<SignAnswer> {
  const { exitCode, json, stderr } = await people.mm(['root', 'sign', FILE, '--json', ...args]);
  assert.equal(exitCode, 0, stderr);
  return SignAnswer.parse(json);
}

export async function readProposalOf(people: Team): Promise<Proposal> {
  return Proposal.parse(JSON.parse(await readFile(people.proposal, 'utf8')));
}

export async function put(people: Team, proposal: object): Promise<void> {
  await writeFile(people.proposal, JSON.stringify(proposal));
}

export type Documents = Proposal['documents'];

/** A proposal that needs no keys: bound together and unsigned. */
export function proposedAgain(proposal: Proposal, documents: Documents): Proposal {
  return { ...proposal, documents: bound(documents.map((each) => ({ ...each, signatures: [] }))) };
}

/** The same with other fields in the document of a role. */
export function edited(proposal: Proposal, role: string, fields: object): Proposal {
  const documents = proposal.documents.map((each) =>
    each.role === role ? { ...each, signed: { ...each.signed, ...fields } } : each,
  );
  return proposedAgain(proposal, documents);
}
