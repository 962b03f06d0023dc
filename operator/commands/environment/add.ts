import { EnvironmentName } from '../../../bucket/documents/names.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { environmentPaths, environmentRole } from '../../../trust/metadata/role-names.ts';
import type { EnvironmentAnswer } from '../../answers.ts';
import type { Planned } from '../../commit/commit.ts';
import type { Answer, Context, SigningOptions } from '../../context.ts';
import {
  CLASS_PATTERN,
  isDevEnvironment,
  type RoleCoverage,
  roleCovering,
} from '../../metadata/environment-classes.ts';
import { withNewRole } from '../../metadata/new-role.ts';
import { delegatedOffer, type VerifiedMetadata } from '../../metadata/verified.ts';
import { withRepository, withTree } from '../../open-tree.ts';
import { type CarryOutOptions, carryOut } from '../carry-out.ts';
import { proposalLines } from '../change-keys.ts';

export interface EnvironmentOptions extends SigningOptions, CarryOutOptions {
  readonly like?: string | undefined;
}

interface Wanted {
  /** The name of an environment, or of a class of them such as `feature_*`. */
  readonly environment: string;
  readonly like: string;
  /** Whether an option asks for its own keys. */
  readonly isLikeGiven: boolean;
}

/**
 * `mm environment add`: delegates a new environment, or a class of environments, without a release
 * yet.
 */
export async function addEnvironment(
  context: Context,
  environment: string,
  options: EnvironmentOptions,
): Promise<Answer> {
  return await withTree(context, options, async (tree) => {
    const { refs, tree: name } = tree.config;
    const isClass = CLASS_PATTERN.test(environment);
    if (!isClass && !EnvironmentName.safeParse(environment).success) {
      throw usage(
        `environment ${JSON.stringify(environment)}: a name must have only letters, digits and "_"; a class of environments ends with "_*", such as feature_*`,
      );
    }
    const like = options.like ?? firstOf(refs.keys(), environment);
    const wanted = { environment, like, isLikeGiven: options.like !== undefined };
    const needs = { environments: [environment.replace('*', ''), like], signing: options };
    const done = await withRepository(context, tree, needs, (opened) =>
      carryOut(context, opened, {
        intent: (verified) => planEnvironment(verified, wanted),
        options,
      }),
    );
    if (!refs.has(environment) && !isClass && done.answer === undefined) {
      context.notice(`add ${environment}: { ref: BRANCH } to the environments in miyamoto.yaml`);
    }
    const document: EnvironmentAnswer = {
      schemaVersion: 1,
      bucket: tree.bucket.name,
      tree: name,
      environment,
      like,
      outcome: done.outcome === 'committed' ? 'added' : done.outcome,
      objects: done.objects,
      proposal: done.proposal,
      handover: done.handover,
      missing: done.missing,
    };
    return { document, lines: linesOf(document, done.answer) };
  });
}

function firstOf(environments: Iterable<string>, other: string): string {
  for (const environment of environments) {
    if (environment !== other && !isDevEnvironment(environment)) return environment;
  }
  throw usage('--like is needed: there is no other environment in miyamoto.yaml');
}

/**
 * Copies the delegation of another environment, and adds the first, empty file of the role. The
 * answer is the role that already covers the environment, if there is one. Throws
 * ENVIRONMENT_UNKNOWN. Throws USAGE when a class would share an environment with another role: the
 * order of roles must not decide who publishes it.
 */
export function planEnvironment(
  verified: VerifiedMetadata,
  { environment, like, isLikeGiven }: Wanted,
): Planned<RoleCoverage | undefined> {
  const there = roleCovering(verified.targets, environment);
  if (there !== undefined || verified.targets === undefined) {
    const isItself = there?.covers.includes(environment) ?? true;
    if (isItself) return { kind: 'nothing', answer: undefined };
    if (isLikeGiven || CLASS_PATTERN.test(environment)) throw shared(environment, there);
    return { kind: 'nothing', answer: there };
  }
  const { role } = delegatedOffer(verified, like);
  const roles = withNewRole(verified.targets, {
    name: environmentRole(environment),
    paths: [environmentPaths(environment)],
    like: role,
  });
  return { kind: 'change', change: { blobs: [], roles }, answer: undefined };
}

function linesOf(
  { outcome, environment, like, objects, ...rest }: EnvironmentAnswer,
  there: RoleCoverage | undefined,
): string[] {
  switch (outcome) {
    case 'added':
      return [`hosts can follow ${environment} now; the keys of ${like} may publish it`];
    case 'proposed':
      return [`proposed environment ${environment} like ${like}`, ...proposalLines(rest)];
    case 'unchanged': {
      const keys = there === undefined ? '' : `; the keys of ${namesOf(there)} publish it`;
      return [`hosts can follow ${environment} already${keys}`];
    }
    case 'noop':
      return [`would add ${environment} like ${like}`, 'would write:', ...objects];
  }
}

function shared(environment: string, there: RoleCoverage | undefined): CodedError {
  const other = there === undefined ? '' : namesOf(there);
  return new CodedError(
    `${environment} and ${other} would share an environment, and the keys of both could publish it`,
    { code: 'USAGE', next: `choose a name that ${other} does not cover` },
  );
}

function namesOf({ covers }: RoleCoverage): string {
  return covers.join(', ');
}

function usage(message: string): CodedError {
  return new CodedError(message, { code: 'USAGE', next: 'mm environment add --help' });
}
