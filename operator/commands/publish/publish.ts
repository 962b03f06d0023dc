import { resolve } from 'node:path';
import { blobKey, metadataKey } from '../../../bucket/layout.ts';
import { printable } from '../../../shared/clean-text.ts';
import type { PublishAnswer } from '../../answers.ts';
import { commit } from '../../commit/commit.ts';
import { verifyCommitted } from '../../commit/repository.ts';
import { objectKeysOf } from '../../commit/sign-and-upload.ts';
import type { TreePlace } from '../../commit/upload.ts';
import type { Answer, Context } from '../../context.ts';
import { isRenewalDue, type SigningMode } from '../../metadata/expiry-days.ts';
import { offerOf, type VerifiedMetadata } from '../../metadata/verified.ts';
import { type OpenTree, type RepositoryWork, withRepository, withTree } from '../../open-tree.ts';
import { writeProposal } from '../../proposals/file.ts';
import { propose } from '../../proposals/proposal.ts';
import { isLower } from '../../release/version-label.ts';
import { releaseAnswer } from '../releases/answer.ts';
import { type PublishPlan, type PublishRequest, planPublication } from './plan.ts';
import { type Prepared, withPrepared } from './prepare.ts';
import { type PublishOptions, whatToPublish } from './what-to-publish.ts';

/**
 * `mm publish`: the files of a git ref, a work tree or a directory become the release of an
 * environment. `what.ts` decides which files, `prepare.ts` reads and checks them, `plan.ts` decides
 * what changes in the signed metadata, and `commit/commit.ts` writes it.
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
      return await withRepository(context, tree, needs, async (opened) =>
        answerOf(tree, environment, await outcomeOf(context, opened, { request, options })),
      );
    });
  });
}

async function outcomeOf(
  context: Context,
  opened: RepositoryWork,
  { request, options }: { readonly request: PublishRequest; readonly options: PublishOptions },
): Promise<Outcome> {
  if (options.noop === true) return await plan(context, opened, request);
  if (options.out === undefined) return await carryOut(context, opened, request);
  return await proposeRelease(context, opened, { request, out: options.out });
}

function requestOf(
  { user, host, now }: Context,
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
    by: `${user}@${host}`.slice(0, 200),
    startedAt: now(),
    mode,
    source: prepared.source.tree,
    pack: (version) => prepared.pack(version),
  };
}

type Outcome = Pick<
  PublishAnswer,
  'outcome' | 'objects' | 'versions' | 'expires' | 'attempts' | 'proposal'
> &
  Pick<PublishPlan, 'release' | 'previous'>;

const NOT_WRITTEN = { objects: [], versions: null, expires: null, attempts: 0, proposal: null };

async function plan(
  context: Context,
  { repository }: RepositoryWork,
  request: PublishRequest,
): Promise<Outcome> {
  const verified = await repository.read();
  warn(context, verified, request);
  const planned = await planPublication(request, verified);
  const isChange = planned.kind === 'change';
  return {
    ...planned.answer,
    outcome: isChange ? 'noop' : 'unchanged',
    ...NOT_WRITTEN,
    objects: isChange ? objectKeysOf(repository, verified, planned.change) : [],
  };
}

/**
 * For roles that need several signatures: uploads the tarball and writes the release into a file that
 * the signers pass on. Hosts see nothing of it.
 */
async function proposeRelease(
  context: Context,
  { repository }: RepositoryWork,
  { request, out }: { readonly request: PublishRequest; readonly out: string },
): Promise<Outcome> {
  const verified = await repository.read();
  warn(context, verified, request);
  const planned = await planPublication(request, verified);
  if (planned.kind === 'nothing') return { ...planned.answer, ...NOT_WRITTEN };
  const { change, answer } = planned;
  const path = resolve(context.cwd, out);
  await writeProposal(path, await propose(repository, verified, { change, by: request.by }));
  const objects = change.blobs.map(({ sha256 }) => blobKey(repository.tree, sha256));
  return { ...answer, ...NOT_WRITTEN, outcome: 'proposed', objects, proposal: path };
}

async function carryOut(
  context: Context,
  { repository, options }: RepositoryWork,
  request: PublishRequest,
): Promise<Outcome> {
  const done = await commit(repository, async (verified) => {
    warn(context, verified, request);
    const planned = await planPublication(request, verified);
    if (planned.kind === 'change') announce(context, repository, planned.answer);
    return planned;
  });
  if (done.kind === 'nothing') {
    return { ...done.answer, ...NOT_WRITTEN };
  }
  const { tree } = repository;
  const { versions, expires } = await verifyCommitted(options, done.files);
  return {
    ...done.answer,
    proposal: null,
    objects: [
      ...done.blobs.map(({ sha256 }) => blobKey(tree, sha256)),
      ...done.files.map(({ file }) => metadataKey(tree, file)),
    ],
    versions: { ...versions },
    expires: { ...expires },
    attempts: done.attempts,
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

function answerOf({ config, bucket }: OpenTree, environment: string, outcome: Outcome): Answer {
  const { release, previous, ...rest } = outcome;
  const document: PublishAnswer = {
    schemaVersion: 1,
    bucket: bucket.name,
    tree: config.tree,
    environment,
    ...rest,
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
