import { EnvironmentName } from '../../bucket/documents/names.ts';
import { metadataKey } from '../../bucket/layout.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { jsonObject } from '../../shared/json.ts';
import { environmentPaths, environmentRole } from '../../trust/metadata/role-names.ts';
import type { EnvironmentAnswer } from '../answers.ts';
import { commit, type Planned } from '../commit/commit.ts';
import { verifyCommitted } from '../commit/repository.ts';
import { objectKeysOf } from '../commit/sign-and-upload.ts';
import type { Answer, Context, SigningOptions } from '../context.ts';
import { isDevEnvironment } from '../metadata/dev-environments.ts';
import type { RoleContent } from '../metadata/signed-file.ts';
import { contentOf, offerOf, type VerifiedMetadata } from '../metadata/verified.ts';
import { type RepositoryWork, withRepository, withTree } from '../open-tree.ts';

export interface EnvironmentOptions extends SigningOptions {
  readonly like?: string | undefined;
}

interface Wanted {
  readonly environment: string;
  readonly like: string;
}

/** `mm environment add`: delegates a new environment, still without a release. */
export async function addEnvironment(
  context: Context,
  environment: string,
  options: EnvironmentOptions,
): Promise<Answer> {
  return await withTree(context, options, async (tree) => {
    const { refs, tree: name } = tree.config;
    const wanted = { environment, like: options.like ?? firstOf(refs.keys(), environment) };
    if (!EnvironmentName.safeParse(environment).success) {
      throw usage(`environment ${JSON.stringify(environment)}: wanted letters, digits and "_"`);
    }
    const needs = { environments: [environment, wanted.like], signing: options };
    const done = await withRepository(context, tree, needs, (opened) =>
      options.noop === true ? plan(opened, wanted) : carryOut(opened, wanted),
    );
    if (!refs.has(environment)) {
      context.notice(`add ${environment}: { ref: BRANCH } to the environments in miyamoto.yaml`);
    }
    const place = { bucket: tree.bucket.name, tree: name };
    const document: EnvironmentAnswer = { schemaVersion: 1, ...place, ...wanted, ...done };
    return { document, lines: linesOf(document) };
  });
}

function firstOf(environments: Iterable<string>, other: string): string {
  for (const environment of environments) {
    if (environment !== other && !isDevEnvironment(environment)) return environment;
  }
  throw usage('wanted --like: there is no other environment in miyamoto.yaml');
}

type Outcome = Pick<EnvironmentAnswer, 'outcome' | 'objects'>;

async function plan({ repository }: RepositoryWork, wanted: Wanted): Promise<Outcome> {
  const verified = await repository.read();
  const planned = planEnvironment(verified, wanted);
  if (planned.kind === 'nothing') return { outcome: 'unchanged', objects: [] };
  return { outcome: 'noop', objects: objectKeysOf(repository, verified, planned.change) };
}

async function carryOut({ repository, options }: RepositoryWork, wanted: Wanted): Promise<Outcome> {
  const done = await commit(repository, (verified) => planEnvironment(verified, wanted));
  if (done.kind === 'nothing') return { outcome: 'unchanged', objects: [] };
  await verifyCommitted(options, done.files);
  return {
    outcome: 'added',
    objects: done.files.map(({ file }) => metadataKey(repository.tree, file)),
  };
}

/** A delegation like another environment's, and the first, empty file of the role. Throws ENVIRONMENT_UNKNOWN. */
export function planEnvironment(
  verified: VerifiedMetadata,
  { environment, like }: Wanted,
): Planned<undefined> {
  const role = verified.environments.get(environment)?.role;
  if (role !== undefined || verified.targets === undefined)
    return { kind: 'nothing', answer: undefined };
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

function linesOf({ outcome, environment, like, objects }: EnvironmentAnswer): string[] {
  switch (outcome) {
    case 'added':
      return [`hosts can follow ${environment} now; whoever publishes ${like} may publish it`];
    case 'unchanged':
      return [`hosts can follow ${environment} already`];
    case 'noop':
      return [`would add ${environment} like ${like}`, 'would write:', ...objects];
  }
}

function usage(message: string): CodedError {
  return new CodedError(message, { code: 'USAGE', next: 'mm environment add --help' });
}
