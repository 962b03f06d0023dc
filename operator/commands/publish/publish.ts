import { printable } from '../../../shared/clean-text.ts';
import type { PublishAnswer } from '../../answers.ts';
import type { Answer, Context } from '../../context.ts';
import { isRenewalDue, type SigningMode } from '../../metadata/expiry-days.ts';
import { offerOf, type VerifiedMetadata } from '../../metadata/verified.ts';
import { type OpenTree, withRepository, withTree } from '../../open-tree.ts';
import { isLower } from '../../release/version-label.ts';
import type { TreePlace } from '../../repository/stored-files.ts';
import { type CarriedOut, carryOut, whoIs } from '../carry-out.ts';
import { releaseAnswer } from '../releases/answer.ts';
import { type PublishPlan, type PublishRequest, planPublication } from './plan.ts';
import { type Prepared, withPrepared } from './prepare.ts';
import { type PublishOptions, whatToPublish } from './what-to-publish.ts';

/**
 * `mm publish`: the files of a git ref, a work tree or a directory become the release of an
 * environment. `what-to-publish.ts` decides which files, `prepare.ts` reads and checks them,
 * `plan.ts` decides what changes in the signed metadata, and `commit/commit.ts` writes it.
 */
export async function publish(
  context: Context,
  given: string | undefined,
  options: PublishOptions,
): Promise<Answer> {
  return await withTree(context, options, async (tree) => {
    const wanted = whatToPublish(context, tree.config, { environment: given, options });
    return await withPrepared(context, tree.config, { ...wanted, options }, async (prepared) => {
      const { environment } = wanted;
      const { mode } = tree.config;
      const request = requestOf(context, { prepared, environment, options, mode });
      const needs = { environments: [environment], signing: options };
      const done = await withRepository(context, tree, needs, (opened) =>
        carryOut(context, opened, {
          intent: (verified) => {
            warn(context, verified, request);
            return planPublication(request, verified);
          },
          options,
          show({ answer }) {
            const isPublished = options.noop !== true && options.out === undefined;
            if (isPublished) announce(context, opened.repository, answer);
          },
        }),
      );
      return answerOf(tree, environment, done);
    });
  });
}

function requestOf(
  context: Context,
  wanted: {
    readonly prepared: Prepared;
    readonly environment: string;
    readonly options: PublishOptions;
    readonly mode: SigningMode;
  },
): PublishRequest {
  const { prepared, environment, options, mode } = wanted;
  return {
    environment,
    version: options.version,
    reason: options.reason ?? '',
    force: options.force ?? false,
    by: whoIs(context),
    startedAt: context.now(),
    mode,
    source: prepared.source.tree,
    pack: (version) => prepared.pack(version),
  };
}

/** Announces each attempt to publish. */
function announce(
  { notice }: Context,
  { bucket, tree }: TreePlace,
  { outcome, release: { sha256, length, custom } }: PublishPlan,
): void {
  const what = outcome === 'renewed' ? 'renewing the signatures of' : 'publishing';
  const content = `${sha256.slice(0, 12)}, ${length} bytes`;
  notice(`${what} ${custom.version} (${content}) to s3://${bucket.name}/${tree}`);
}

/** Tells the publisher what is unusual, and is no reason to refuse. */
function warn(
  context: Context,
  verified: VerifiedMetadata,
  { environment, version }: PublishRequest,
): void {
  const { current } = offerOf(verified, environment);
  const { hold, stop, version: before } = current?.custom ?? {};
  if (stop === true) context.notice(`${environment} is stopped: its hosts apply nothing`);
  else if (hold === true)
    context.notice(`${environment} is on hold: its hosts install nothing new`);
  if (version !== undefined && isLower(version, before)) {
    context.notice(`version ${version} is lower than the current ${before}`);
  }
  for (const role of ['root', 'targets']) {
    const expires = verified.expires[role] ?? '';
    if (isRenewalDue(role, expires, { now: context.now() })) {
      context.notice(`${role} expires at ${expires}: mm renew ${role}`);
    }
  }
}

function answerOf(
  { config, bucket }: OpenTree,
  environment: string,
  done: CarriedOut<PublishPlan>,
): Answer {
  const { answer, missing: _, ...rest } = done;
  const { release, previous } = answer;
  const isPlanned = done.outcome === 'committed' || done.outcome === 'unchanged';
  const document: PublishAnswer = {
    schemaVersion: 1,
    bucket: bucket.name,
    tree: config.tree,
    environment,
    ...rest,
    outcome: isPlanned ? answer.outcome : done.outcome,
    release: releaseAnswer(release),
    previous: previous === undefined ? null : releaseAnswer(previous),
  };
  return { document, lines: linesOf(document) };
}

function linesOf({ outcome, environment, release, previous, ...rest }: PublishAnswer): string[] {
  const { version, sha256, commit: from, length } = release;
  const what = `${environment} ${printable(version, 64)}`;
  const content = `sha256 ${sha256}, ${length} bytes, ${from === null ? 'from the work tree' : `commit ${from}`}`;
  switch (outcome) {
    case 'unchanged':
      return [`nothing to publish: ${what} is already this release`, content];
    case 'proposed':
      return [
        `proposed ${what}`,
        content,
        `next: send ${rest.proposal} to the next signer, who runs: mm root sign FILE`,
      ];
    case 'noop':
      return [`would publish ${what}`, content, 'would write:', ...rest.objects];
    case 'renewed':
      return [`renewed the signatures of ${what}`, ...expiryLines(rest.expires)];
    case 'published': {
      const before = previous === null ? '' : `, before: ${printable(previous.version, 64)}`;
      return [`published ${what}${before}`, content, ...expiryLines(rest.expires)];
    }
  }
}

function expiryLines(expires: PublishAnswer['expires']): string[] {
  const [first] = Object.entries(expires ?? {}).sort(([, a], [, b]) => a.localeCompare(b));
  if (first === undefined) return [];
  return [`hosts can follow until ${first[1]} (${first[0]})`];
}
