import { EnvironmentName } from '../../bucket/documents/names.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { jsonObject } from '../../shared/json.ts';
import { environmentPaths, environmentRole } from '../../trust/metadata/role-names.ts';
import type { EnvironmentAnswer } from '../answers.ts';
import type { Planned } from '../commit/commit.ts';
import type { Answer, Context, SigningOptions } from '../context.ts';
import { isDevEnvironment } from '../metadata/dev-environments.ts';
import type { RoleContent } from '../metadata/signed-file.ts';
import { contentOf, offerOf, type VerifiedMetadata } from '../metadata/verified.ts';
import { withRepository, withTree } from '../open-tree.ts';
import { type CarryOutOptions, carryOut } from './carry-out.ts';
import { proposalLines } from './change-keys.ts';

export interface EnvironmentOptions extends SigningOptions, CarryOutOptions {
  readonly like?: string | undefined;
}

interface Wanted {
  readonly environment: string;
  readonly like: string;
}

/** `mm environment add`: delegates a new environment, without a release yet. */
export async function addEnvironment(
  context: Context,
  environment: string,
  options: EnvironmentOptions,
): Promise<Answer> {
  return await withTree(context, options, async (tree) => {
    const { refs, tree: name } = tree.config;
    const wanted = { environment, like: options.like ?? firstOf(refs.keys(), environment) };
    if (!EnvironmentName.safeParse(environment).success) {
      throw usage(
        `environment ${JSON.stringify(environment)}: a name must have only letters, digits and "_"`,
      );
    }
    const needs = { environments: [environment, wanted.like], signing: options };
    const done = await withRepository(context, tree, needs, (opened) =>
      carryOut(context, opened, {
        intent: (verified) => planEnvironment(verified, wanted),
        options,
      }),
    );
    if (!refs.has(environment)) {
      context.notice(`add ${environment}: { ref: BRANCH } to the environments in miyamoto.yaml`);
    }
    const document: EnvironmentAnswer = {
      schemaVersion: 1,
      bucket: tree.bucket.name,
      tree: name,
      ...wanted,
      outcome: done.outcome === 'committed' ? 'added' : done.outcome,
      objects: done.objects,
      proposal: done.proposal,
      missing: done.missing,
    };
    return { document, lines: linesOf(document) };
  });
}

function firstOf(environments: Iterable<string>, other: string): string {
  for (const environment of environments) {
    if (environment !== other && !isDevEnvironment(environment)) return environment;
  }
  throw usage('--like is needed: there is no other environment in miyamoto.yaml');
}

/**
 * A copy of the delegation of another environment, and the first, empty file of the role. Throws
 * ENVIRONMENT_UNKNOWN.
 */
export function planEnvironment(
  verified: VerifiedMetadata,
  { environment, like }: Wanted,
): Planned<undefined> {
  const role = verified.environments.get(environment)?.role;
  if (role !== undefined || verified.targets === undefined) {
    return { kind: 'nothing', answer: undefined };
  }
  const { role: model } = offerOf(verified, like);
  const content = contentOf(verified.targets);
  const delegations = jsonObject(content['delegations']);
  const roles = (delegations['roles'] as readonly object[]).map(jsonObject);
  const added = {
    ...roles.find(({ name }) => name === model),
    name: environmentRole(environment),
    paths: [environmentPaths(environment)],
  };
  const targets = { ...content, delegations: { ...delegations, roles: [...roles, added] } };
  const empty: RoleContent = { _type: 'targets', targets: {} };
  const changed = new Map<string, RoleContent>([
    ['targets', targets],
    [added.name, empty],
  ]);
  return { kind: 'change', change: { blobs: [], roles: changed }, answer: undefined };
}

function linesOf({ outcome, environment, like, objects, ...rest }: EnvironmentAnswer): string[] {
  switch (outcome) {
    case 'added':
      return [`hosts can follow ${environment} now; the keys of ${like} may publish it`];
    case 'proposed':
      return [
        `proposed environment ${environment} like ${like}`,
        ...proposalLines(String(rest.proposal), rest.missing),
      ];
    case 'unchanged':
      return [`hosts can follow ${environment} already`];
    case 'noop':
      return [`would add ${environment} like ${like}`, 'would write:', ...objects];
  }
}

function usage(message: string): CodedError {
  return new CodedError(message, { code: 'USAGE', next: 'mm environment add --help' });
}
