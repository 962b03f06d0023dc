import { counted } from '../../../shared/counted.ts';
import { type Finding, MAX_FINDINGS, type ValidateAnswer } from '../../by-hand-answers.ts';
import type { Answer, CommonOptions, Context } from '../../context.ts';
import { findAllProblems } from '../../release/check.ts';
import { isRefused } from '../../release/gates/gates.ts';
import { assertKeysOutside } from '../../release/keys-outside.ts';
import { gatesAnswer, runGates, summary } from '../publish/gates.ts';
import { sourceNotices } from '../publish/notices.ts';
import { withSource } from '../with-source.ts';
import { findingLines, findingOfGate, findingOfTree } from './findings.ts';
import { localTree, localWanted, rulesFor, type WhichFiles } from './local-tree.ts';

export interface ValidateOptions extends CommonOptions, WhichFiles {
  /** Warnings, and checks that were not done, count as errors. */
  readonly strict?: boolean | undefined;
}

/**
 * `mm validate`: what `mm publish` checks before it reads the bucket, on a work tree, a ref or a
 * directory. Every finding is part of the answer; exit code 1 says that a publication would be
 * refused. Throws CONFIG_*, GIT_FAILED, PUPPET_FAILED, USAGE.
 */
export async function validate(
  context: Context,
  directory: string | undefined,
  options: ValidateOptions,
): Promise<Answer> {
  const { strict: isStrict = false } = options;
  const local = await localTree(context, options);
  const { stateDirectory, keysDirectory, repository } = local;
  if (keysDirectory !== undefined) {
    await assertKeysOutside({ directory: repository, env: context.env }, keysDirectory);
  }
  const wanted = localWanted(context, local, { ...options, directory });
  return await withSource(context, local, wanted, async ({ source }) => {
    const notices = sourceNotices(source);
    for (const line of notices) context.notice(line);
    const ofTree = findAllProblems(source.tree, rulesFor(local, source)).map(findingOfTree);
    const how = { stateDirectory, isKept: true, isStrict, showsAll: true };
    const gates = await runGates(context, source, how);
    for (const line of gates.skipped) context.notice(line);
    const findings = [...ofTree, ...gates.problems.map(findingOfGate)];
    const isInvalid = ofTree.length > 0 || isRefused(gates, isStrict);
    const { ref, commit } = source.tree;
    const document: ValidateAnswer = {
      schemaVersion: 1,
      outcome: isInvalid ? 'invalid' : 'valid',
      source: { ref, commit, directory: wanted.deployed ?? repository },
      gates: gatesAnswer(gates),
      count: findings.length,
      findings: findings.slice(0, MAX_FINDINGS),
      notices,
    };
    const lines = [...linesOf(document), summary(gates), verdict(findings, isInvalid)];
    return { document, lines, ...(isInvalid && { exitCode: 1 }) };
  });
}

function linesOf({ findings, count }: ValidateAnswer): string[] {
  const more = count - findings.length;
  return [...findings.flatMap(findingLines), ...(more > 0 ? [`and ${more} more`] : [])];
}

function verdict(findings: readonly Finding[], isInvalid: boolean): string {
  const errors = findings.filter(({ level }) => level === 'error').length;
  const warnings = findings.length - errors;
  const found = `${counted(errors, 'error')}, ${counted(warnings, 'warning')}`;
  return `${isInvalid ? 'mm publish would refuse this' : 'mm publish would accept this'}: ${found}`;
}
