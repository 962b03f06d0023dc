import assert from 'node:assert/strict';
import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FactsDocument, StatusDocument } from '../../../../bucket/documents/status.ts';
import { hostFactsKey, hostStatusKey } from '../../../../bucket/layout.ts';
import { type CatalogsAnswer, DiffAnswer } from '../../../../operator/diff-answer.ts';
import { previewLines } from '../../../../operator/preview/lines.ts';
import { PROJECT } from '../../../support/project-files.ts';
import { sampleStatus } from '../../../support/status-sample.ts';
import {
  BUCKET,
  copiedPerTest,
  type Done,
  initialized,
  type OperatorLab,
  TREE,
} from '../../operator-lab.ts';

/** Facts as hosts send them, as far as the control repository of 100 resources looks at them. */
export const HOSTS: Readonly<Record<string, FactsDocument['facts']>> = {
  'web1.example.com': factsOf('Debian', { lab_role: 'web' }),
  'web2.example.com': factsOf('Debian', { lab_role: 'web' }),
  'plain.example.com': factsOf('Debian', {}),
  'red.example.com': factsOf('RedHat', {}),
};

export function factsOf(family: string, more: object): FactsDocument['facts'] {
  return {
    os: { name: family, family, release: { major: '12', full: '12.8' } },
    managed_root: '/tmp/managed',
    lab_site: 'here',
    lab_build: '1',
    lab_shell: 'sh',
    ...more,
  };
}

/** `stable` is the control repository of 100 resources, and four hosts have reported. */
export const previewLab = copiedPerTest(async (t) => {
  const lab = await initialized(t);
  await cp(join(PROJECT, 'test/fixtures/control-repo'), lab.repository, { recursive: true });
  await lab.commit('site', '');
  const done = await lab.mm(['publish', 'stable', '--no-validate']);
  assert.equal(done.exitCode, 0, done.stderr);
  for (const [certname, facts] of Object.entries(HOSTS)) report(lab, certname, facts);
  return lab;
});

/** As an agent writes it. */
export function report(
  lab: OperatorLab,
  certname: string,
  facts: FactsDocument['facts'],
  status: Partial<StatusDocument> = {},
): void {
  const writtenAt = '2026-11-23T10:00:05.000Z';
  const document = { schemaVersion: 1, certname, digest: 'a'.repeat(64), writtenAt, facts };
  lab.server.put(BUCKET, hostFactsKey(TREE, certname), JSON.stringify(document));
  const line = JSON.stringify({ ...sampleStatus, certname, ...status });
  lab.server.put(BUCKET, hostStatusKey(TREE, certname), line);
}

/** Changes a file of the repository and commits it. */
export async function edit(
  lab: OperatorLab,
  path: string,
  ...changes: readonly (readonly [string, string])[]
): Promise<void> {
  let text = await readFile(join(lab.repository, path), 'utf8');
  for (const [from, to] of changes) {
    assert.ok(text.includes(from), `${path} has no ${from}`);
    text = text.replace(from, to);
  }
  await lab.commit(path, text);
}

export interface Compared extends Done {
  readonly answer: DiffAnswer;
  readonly catalogs: CatalogsAnswer;
  /** What the command prints without `--json`: compiling again for it would take seconds. */
  readonly text: string;
}

export async function compareHosts(lab: OperatorLab, ...args: string[]): Promise<Compared> {
  const done = await lab.mm(['diff', 'stable', ...args, '--json']);
  const answer = DiffAnswer.parse(done.json);
  assert.ok(answer.catalogs !== null, done.stderr);
  return { ...done, answer, catalogs: answer.catalogs, text: previewLines(answer).join('\n') };
}

/** `2 ~ File[/etc/motd] content`. */
export function changesIn({ changes }: CatalogsAnswer): string[] {
  const sign = { added: '+', removed: '-', changed: '~' };
  return changes.map(({ change, resource, parameter, certnames }) =>
    [certnames.length, sign[change], resource, parameter].filter(Boolean).join(' '),
  );
}
