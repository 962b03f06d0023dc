import { printable } from '../../../shared/clean-text.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { readAnyOffer } from '../../../trust/metadata/offer.ts';
import { roleWord } from '../../../trust/metadata/role-names.ts';
import type { EnvironmentOffer } from '../../../trust/metadata/trusted.ts';
import type { ReleasesAnswer } from '../../answers.ts';
import type { TreeConfig } from '../../config.ts';
import type { Answer, CommonOptions, Context } from '../../context.ts';
import { coverageOf, isClass } from '../../metadata/environment-classes.ts';
import { environmentsIn, TOO_NEW } from '../../metadata/heard-releases.ts';
import { delegatedOffer, type VerifiedMetadata, versionOf } from '../../metadata/verified.ts';
import { withRepository, withTree } from '../../open-tree.ts';
import { table } from '../../table.ts';
import { releaseAnswer, releaseCells } from './answer.ts';
import { readHistory } from './history.ts';

type EnvironmentAnswer = ReleasesAnswer['environments'][number];

/** `mm releases`: the current release of each environment. For one environment also its history. */
export async function releases(
  context: Context,
  environment: string | undefined,
  options: CommonOptions & { readonly limit?: number | undefined },
): Promise<Answer> {
  if (environment === undefined && options.limit !== undefined) {
    throw new CodedError('--limit is the length of one history, and no environment is named', {
      code: 'USAGE',
      next: `mm releases stable --limit ${options.limit}`,
    });
  }
  return await withTree(context, options, async (tree) => {
    const { config, bucket } = tree;
    const environments = environment === undefined ? [...config.refs.keys()] : [environment];
    return await withRepository(context, tree, { environments }, async ({ repository }) => {
      const verified = await repository.read();
      for (const role of verified.expired)
        context.notice(`${roleWord(role)} expired at ${verified.expires[role]}`);
      const found =
        environment === undefined
          ? allOffers(verified, config)
          : new Map([[environment, delegatedOffer(verified, environment)]]);
      const document: ReleasesAnswer = {
        schemaVersion: 1,
        bucket: bucket.name,
        tree: config.tree,
        environments: [...found].map(([name, offer]) => environmentAnswer(verified, name, offer)),
        expires: { ...verified.expires },
      };
      const [only] = document.environments;
      if (environment !== undefined && only !== undefined) {
        const limit = options.limit ?? 10;
        only.history = await readHistory(repository, { verified, environment, limit });
      }
      return { document, lines: linesOf(document) };
    });
  });
}

/** The environments of the configuration, and those that the role of a class names. */
function allOffers(
  verified: VerifiedMetadata,
  { refs }: TreeConfig,
): Map<string, EnvironmentOffer> {
  const offers = new Map([...verified.environments].filter(([name]) => refs.has(name)));
  for (const { role } of coverageOf(verified.targets).filter(isClass)) {
    const document = verified.roles.get(role);
    for (const name of environmentsIn(verified, role)) {
      offers.set(name, readAnyOffer(role, document, name));
    }
  }
  return offers;
}

function environmentAnswer(
  verified: VerifiedMetadata,
  environment: string,
  { role, current, next, unreadable, schemaTooNew }: EnvironmentOffer,
): EnvironmentAnswer {
  return {
    environment,
    roleVersion: role === undefined ? null : versionOf(verified, role),
    current: current === undefined ? null : releaseAnswer(current),
    next: next === undefined ? null : releaseAnswer(next),
    refused: unreadable ? printable(unreadable.message, 300) : schemaTooNew ? TOO_NEW : null,
    history: [],
  };
}

function linesOf({ environments }: ReleasesAnswer): string[] {
  const rows = environments.flatMap(({ environment, current, next, history, ...rest }) => {
    const first = current === null ? [noneOf(rest)] : releaseCells(current);
    return [
      [environment, ...first],
      ...(next === null ? [] : [[`${environment} (next)`, ...releaseCells(next)]]),
      ...history.map(({ release }) => ['  before', ...releaseCells(release)]),
    ];
  });
  return table([['environment', 'version', 'published', 'by', 'commit', 'sha256', ''], ...rows]);
}

function noneOf({ roleVersion, refused }: Pick<EnvironmentAnswer, 'roleVersion' | 'refused'>) {
  if (refused !== null) return `hosts refuse it: ${refused}`;
  return roleVersion === null ? 'no role delegated' : 'nothing published';
}
