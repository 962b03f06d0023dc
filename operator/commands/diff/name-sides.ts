import { ENVIRONMENT_NAME, SHA256 } from '../../../bucket/documents/name-rules.ts';
import type { OfferedRelease } from '../../../bucket/documents/release.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { shellWord } from '../../../shared/shell-word.ts';
import { didYouMean } from '../../../shared/suggestion.ts';
import type { TreeConfig } from '../../config.ts';
import type { Context } from '../../context.ts';
import { isNamed } from '../../metadata/named-release.ts';
import { offerOf, type VerifiedMetadata } from '../../metadata/verified.ts';
import { isVersion } from '../../release/version-label.ts';
import type { Repository } from '../../repository/repository.ts';
import { earlierReleases, earlierVersions } from '../key/earlier-release.ts';
import { type Wanted, whatToPublish } from '../publish/what-to-publish.ts';

/** What the command line names: a release in the bucket, or what could be published. */
export type NamedSide =
  | {
      readonly kind: 'release';
      readonly environment: string;
      /** Undefined: nothing is published yet. */
      readonly release: OfferedRelease | undefined;
    }
  | { readonly kind: 'source'; readonly wanted: Wanted };

export interface NamedSides {
  /** Hosts of this environment would get the change. */
  readonly environment: string;
  readonly before: NamedSide;
  readonly after: NamedSide;
}

export interface DiffOperands {
  readonly before: string;
  readonly after: string | undefined;
  readonly workingTree?: boolean | undefined;
}

/** The environments that have to be read before {@link nameSides} can decide. */
export function environmentsIn(
  { before, after }: DiffOperands,
  { refs }: Pick<TreeConfig, 'refs' | 'repository'>,
): string[] {
  const words = [before, after ?? ''].map((word) => word.split('=')[0] ?? '');
  return [...new Set([...refs.keys(), ...words])].filter((word) => ENVIRONMENT_NAME.test(word));
}

export interface Known {
  readonly context: Pick<Context, 'user' | 'cwd' | 'env'>;
  readonly config: Pick<TreeConfig, 'refs' | 'repository'>;
  readonly repository: Repository;
  readonly verified: VerifiedMetadata;
}

/** A word before it was looked up. */
type Word =
  | { readonly kind: 'environment'; readonly environment: string }
  | { readonly kind: 'release'; readonly environment: string | undefined; readonly given: string }
  | { readonly kind: 'ref'; readonly ref: string };

/**
 * Finds what the operands name. `stable` is the current release of that environment. `stable=1.4.2`
 * is one of its releases. `1.4.2` is a release of the environment that the other operand names. Any
 * other word is a git ref. Without a second operand, the second side is what `mm publish` would
 * publish. Throws USAGE, ENVIRONMENT_UNKNOWN.
 */
export async function nameSides(operands: DiffOperands, known: Known): Promise<NamedSides> {
  const { workingTree = false } = operands;
  if (workingTree && operands.after !== undefined) {
    throw usage('--working-tree replaces the second name');
  }
  const first = wordOf(operands.before, known);
  const second = operands.after === undefined ? undefined : wordOf(operands.after, known);
  const environment =
    environmentOf(first) ?? environmentOf(second) ?? onlyEnvironment(operands, known);
  if (second === undefined && first.kind === 'ref') {
    throw usage(
      `${JSON.stringify(first.ref)} is neither an environment nor a release; to compare a git ref, name the environment first`,
      `mm diff ${environment} ${shellWord(first.ref)}`,
    );
  }
  const before = await sideOf(first, environment, known);
  if (second !== undefined)
    return { environment, before, after: await sideOf(second, environment, known) };
  const options = { workingTree };
  const wanted = await whatToPublish(known.context, known.config, { environment, options });
  return { environment, before, after: { kind: 'source', wanted } };
}

/**
 * The release that a word names: `stable` is the current one, `stable=1.4.2` an earlier one. Throws
 * USAGE, ENVIRONMENT_UNKNOWN.
 */
export async function nameRelease(
  given: string,
  known: Known,
): Promise<{ readonly environment: string; readonly release: OfferedRelease }> {
  const word = wordOf(given, known);
  const named = environmentOf(word);
  if (named === undefined || word.kind === 'ref') {
    const hint = didYouMean(given, [...known.config.refs.keys()]);
    throw usage(
      `${JSON.stringify(given)} is neither an environment nor ENVIRONMENT=RELEASE${hint}`,
      `mm releases; for a git ref: --ref ${shellWord(given)}`,
    );
  }
  const side = await sideOf(word, named, known);
  const { environment, release } = side.kind === 'release' ? side : { environment: named };
  if (release !== undefined) return { environment, release };
  throw usage(`environment ${environment} has no release yet`, `mm publish ${environment}`);
}

function wordOf(word: string, { config, verified }: Known): Word {
  const [, environment, given] = /^(\w{1,64})=(.+)$/.exec(word) ?? [];
  if (environment !== undefined && given !== undefined) {
    return { kind: 'release', environment, given };
  }
  const isPublished = verified.environments.get(word)?.current !== undefined;
  if (config.refs.has(word) || isPublished) return { kind: 'environment', environment: word };
  const isRelease = isVersion(word) || SHA256.test(word) || RELEASE_ID.test(word);
  return isRelease
    ? { kind: 'release', environment: undefined, given: word }
    : { kind: 'ref', ref: word };
}

const RELEASE_ID = /^\d{8}T\d{6}Z-[0-9a-f]{12}$/;

function environmentOf(word: Word | undefined): string | undefined {
  return word === undefined || word.kind === 'ref' ? undefined : word.environment;
}

function onlyEnvironment({ before }: DiffOperands, { config: { refs } }: Known): string {
  const [only, ...others] = refs.keys();
  if (only !== undefined && others.length === 0) return only;
  const hint = didYouMean(before, [...refs.keys()]);
  throw usage(
    `${JSON.stringify(before)} is not an environment${hint || ';'} miyamoto.yaml has ${[...refs.keys()].join(', ') || 'none'}`,
    `mm diff ${only ?? 'ENVIRONMENT'}=RELEASE REF`,
  );
}

async function sideOf(word: Word, environment: string, known: Known): Promise<NamedSide> {
  switch (word.kind) {
    case 'environment': {
      const { current } = offerOf(known.verified, word.environment);
      return { kind: 'release', environment: word.environment, release: current };
    }
    case 'release': {
      const name = word.environment ?? environment;
      const release = await releaseOf(known, name, word.given);
      return { kind: 'release', environment: name, release };
    }
    case 'ref':
      return { kind: 'source', wanted: { environment, ref: word.ref } };
  }
}

async function releaseOf(
  { repository, verified }: Known,
  environment: string,
  given: string,
): Promise<OfferedRelease> {
  const { role, current } = offerOf(verified, environment);
  if (current !== undefined && isNamed(current, given)) return current;
  const found = await earlierReleases(repository, verified, {
    ...{ role, environment, given, removed: [], not: [] },
  });
  const [release] = found.map((each) => each.release);
  if (release === undefined) {
    const versions = await earlierVersions(repository, verified, { role, environment });
    const hint = didYouMean(given, [current?.custom.version ?? '', ...versions]);
    throw usage(
      `environment ${environment} has no release ${JSON.stringify(given)} that its keys signed${hint}`,
      `mm releases ${environment}`,
    );
  }
  const digests = new Set(found.map((each) => each.release.sha256));
  if (digests.size === 1) return release;
  const lines = [...digests].join(', ');
  throw usage(
    `environment ${environment} has had more than one release ${JSON.stringify(given)}: ${lines}`,
    `name the right one by its sha256: ${environment}=SHA256`,
  );
}

function usage(message: string, next = 'mm diff --help'): CodedError {
  return new CodedError(message, { code: 'USAGE', next });
}
