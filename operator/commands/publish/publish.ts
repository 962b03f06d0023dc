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
import { packRelease, type Tarball } from '../../release/pack.ts';
import type { SourceTree } from '../../release/tree.ts';
import { isLower } from '../../release/version-label.ts';
import { releaseAnswer } from '../releases/answer.ts';
import { type PublishPlan, type PublishRequest, planPublication } from './plan.ts';
import { type PublishOptions, readSource, whatToPublish } from './source.ts';

/** `mm publish`: takes a tree of files, checks it, and makes it the release of an environment. */
export async function publish(
  context: Context,
  given: string | undefined,
  options: PublishOptions,
): Promise<Answer> {
  return await withTree(context, options, async (tree) => {
    const { environment, ref } = whatToPublish(context, tree.config, {
      environment: given,
      options,
    });
    const source = await readSource(context, tree.config, { ref, options });
    const request = requestOf(context, {
      source,
      environment,
      options,
      mode: tree.config.mode,
    });
    const needs = { environments: [environment], signing: options };
    return await withRepository(context, tree, needs, async (opened) => {
      const outcome =
        options.noop === true
          ? await plan(context, opened, request)
          : options.out === undefined
            ? await carryOut(context, opened, request)
            : await proposeRelease(context, opened, { request, out: options.out });
      return answerOf(tree, environment, outcome);
    });
  });
}

function requestOf(
  { user, host, now }: Context,
  wanted: {
    readonly source: SourceTree;
    readonly environment: string;
    readonly options: PublishOptions;
    readonly mode: SigningMode;
  },
): PublishRequest {
  const { source, environment, options, mode } = wanted;
  const packed = new Map<string, Promise<Tarball>>();
  return {
    environment,
    version: options.version,
    reason: options.reason ?? '',
    force: options.force ?? false,
    by: `${user}@${host}`.slice(0, 200),
    startedAt: now(),
    mode,
    source,
    pack(version) {
      const tarball = packed.get(version) ?? packRelease(source, { environment, version });
      packed.set(version, tarball);
      return tarball;
    },
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

/** Where two must sign: the tarball goes into the bucket, its release into a file that goes from hand to hand. */
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

/** What is about to happen, each time that it begins anew. */
function announce(
  { notice }: Context,
  { bucket, tree }: TreePlace,
  { outcome, release: { sha256, length, custom } }: PublishPlan,
): void {
  const what = outcome === 'renewed' ? 'renewing the signatures of' : 'publishing';
  const content = `${sha256.slice(0, 12)}, ${length} bytes`;
  notice(`${what} ${custom.version} (${content}) to s3://${bucket.name}/${tree}`);
}

/** What the publisher should know, and what is no reason to refuse. */
function warn(
  context: Context,
  verified: VerifiedMetadata,
  { environment, version }: PublishRequest,
): void {
  const { current } = offerOf(verified, environment);
  const { hold, stop, version: before } = current?.custom ?? {};
  if (stop === true) context.notice(`${environment} is stopped: its hosts apply nothing`);
  else if (hold === true) context.notice(`${environment} is on hold: its hosts take nothing new`);
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
      return [`nothing to publish: ${what} is this very release`, content];
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
