import { readOffer } from '../../../trust/metadata/offer.ts';
import { releaseTarget } from '../../../trust/metadata/role-names.ts';
import type { EnvironmentOffer } from '../../../trust/metadata/trusted.ts';
import type { ReleasesAnswer } from '../../answers.ts';
import { table } from '../../cli/table.ts';
import type { TreeConfig } from '../../config.ts';
import type { Answer, CommonOptions, Context } from '../../context.ts';
import { DEV_ROLE } from '../../metadata/dev-environments.ts';
import { offerOf, type VerifiedMetadata, versionOf } from '../../metadata/verified.ts';
import { withRepository, withTree } from '../../open-tree.ts';
import { releaseAnswer, releaseCells } from './answer.ts';
import { readHistory } from './history.ts';

type EnvironmentAnswer = ReleasesAnswer['environments'][number];

/** `mm releases`: the current release of each environment. For one environment also its history. */
export async function releases(
  context: Context,
  environment: string | undefined,
  options: CommonOptions & { readonly limit?: number | undefined },
): Promise<Answer> {
  return await withTree(context, options, async (tree) => {
    const { config, bucket } = tree;
    // `dev` loads the role that all short-lived environments share.
    const environments = environment === undefined ? [...config.refs.keys(), 'dev'] : [environment];
    return await withRepository(context, tree, { environments }, async ({ repository }) => {
      const verified = await repository.read();
      if (environment !== undefined) offerOf(verified, environment);
      for (const role of verified.expired)
        context.notice(`${role} expired at ${verified.expires[role]}`);
      const found = environment === undefined ? allOffers(verified, config) : verified.environments;
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
        only.history = await readHistory(context, repository, { verified, environment, limit });
      }
      return { document, lines: linesOf(document) };
    });
  });
}

/** The environments of the configuration, and the short-lived ones that the shared role names. */
function allOffers(
  verified: VerifiedMetadata,
  { refs }: TreeConfig,
): Map<string, EnvironmentOffer> {
  const offers = new Map([...verified.environments].filter(([name]) => refs.has(name)));
  const devRole = verified.environments.get('dev')?.role ?? DEV_ROLE;
  const { targets = {} } = verified.roles.get(devRole)?.signed ?? {};
  for (const name of Object.keys(targets).map((path) => path.split('/')[0] ?? '')) {
    const current = targets[releaseTarget(name, 'current')];
    const next = targets[releaseTarget(name, 'next')];
    offers.set(name, readOffer(devRole, { current, next }));
  }
  return offers;
}

function environmentAnswer(
  verified: VerifiedMetadata,
  environment: string,
  { role, current, next }: EnvironmentOffer,
): EnvironmentAnswer {
  return {
    environment,
    roleVersion: role === undefined ? null : versionOf(verified, role),
    current: current === undefined ? null : releaseAnswer(current),
    next: next === undefined ? null : releaseAnswer(next),
    history: [],
  };
}

function linesOf({ environments }: ReleasesAnswer): string[] {
  const rows = environments.flatMap(({ environment, roleVersion, current, next, history }) => {
    const none = roleVersion === null ? 'no role delegated' : 'nothing published';
    const first = current === null ? [none] : releaseCells(current);
    return [
      [environment, ...first],
      ...(next === null ? [] : [[`${environment} (next)`, ...releaseCells(next)]]),
      ...history.map(({ release }) => ['  before', ...releaseCells(release)]),
    ];
  });
  return table([['environment', 'version', 'published', 'by', 'commit', ''], ...rows]);
}
