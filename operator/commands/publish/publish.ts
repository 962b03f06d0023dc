import { printable } from '../../../shared/clean-text.ts';
import { roleWord } from '../../../trust/metadata/role-names.ts';
import type { GatesAnswer, PublishAnswer } from '../../answers.ts';
import { putBlob } from '../../commit/upload.ts';
import type { Answer, Context } from '../../context.ts';
import type { DiffAnswer } from '../../diff-answer.ts';
import { isRenewalDue, type SigningMode } from '../../metadata/expiry-days.ts';
import type { Slots } from '../../metadata/slots.ts';
import { replaceableOffer, type VerifiedMetadata } from '../../metadata/verified.ts';
import { type OpenTree, withRepository, withTree } from '../../open-tree.ts';
import { isLower } from '../../release/version-label.ts';
import { versionsUntilNow } from '../../repository/past-states.ts';
import type { Repository } from '../../repository/repository.ts';
import { hasBlob } from '../../repository/require-blob.ts';
import type { TreePlace } from '../../repository/stored-files.ts';
import { type CarriedOut, carryOut, unlockEarly, whoIs, writesMetadata } from '../carry-out.ts';
import { proposalLines } from '../change-keys.ts';
import { confirmOnce, type Question } from '../confirm.ts';
import { haltDoubts, holdDoubts, olderDoubts, rolloutDoubts } from '../move/doubts.ts';
import { releaseAnswer } from '../releases/answer.ts';
import { type PublishPlan, type PublishRequest, planPublication } from './plan.ts';
import { checkBeforeReading, type Prepared, withPrepared } from './prepare.ts';
import { assertPreviewOptions, previewPublication, previewQuestion } from './preview.ts';
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
  assertPreviewOptions(options);
  return await withTree(context, options, async (tree) => {
    await checkBeforeReading(context, tree.config, options);
    const wanted = await whatToPublish(context, tree.config, { environment: given, options });
    return await withPrepared(context, tree.config, { ...wanted, options }, async (prepared) => {
      const { environment } = wanted;
      const { mode } = tree.config;
      let gates: GatesAnswer | null = null;
      const request = requestOf(context, { ...{ prepared, ...wanted }, options, mode });
      const needs = { environments: [environment], signing: options };
      const { ask, exitCode } = confirmOnce(context, options);
      let preview: DiffAnswer | undefined;
      const done = await withRepository(context, tree, needs, async (opened) => {
        const carried = await carryOut(context, opened, {
          intent: async (verified) => {
            warn(context, verified, request);
            const passGates = async () => {
              await unlockEarly(opened.repository, verified, { environment, options });
              gates = await prepared.passGates();
            };
            const earlierVersions = () =>
              versionsUntilNow(opened.repository, verified, environment);
            const whole = { ...request, passGates, earlierVersions };
            const planned = await planPublication(whole, verified);
            if (planned.kind === 'change') {
              const { answer } = planned;
              const slots = replaceableOffer(verified, environment);
              const asked = { environment, options, slots, answer };
              let question = await questionOf(context, tree, asked);
              if (options.preview === true && answer.outcome === 'published') {
                const { source } = prepared;
                const change = { environment, source, options, previous: answer.previous };
                preview = await previewPublication(context, tree, change);
                question = { ...question, ...previewQuestion(context, preview, options) };
              }
              await ask(question);
            }
            return planned;
          },
          options,
          show({ answer }) {
            if (writesMetadata(options)) announce(context, opened.repository, answer);
          },
        });
        if (writesMetadata(options)) await restoreBlob(opened.repository, prepared, carried.answer);
        return carried;
      });
      const answer = answerOf(tree, environment, { done, gates, preview });
      return { ...answer, exitCode: exitCode() };
    });
  });
}

/** A publication of the prepared source. */
export function requestOf(
  context: Context,
  wanted: {
    readonly prepared: Prepared;
    readonly environment: string;
    readonly branch?: string | undefined;
    readonly options: PublishOptions;
    readonly mode: SigningMode;
  },
): Omit<PublishRequest, 'passGates' | 'earlierVersions'> {
  const { prepared, environment, branch, options, mode } = wanted;
  return {
    environment,
    version: options.version,
    reason: options.reason ?? '',
    force: options.force ?? false,
    by: whoIs(context),
    startedAt: context.now(),
    mode,
    source: prepared.source.tree,
    links: prepared.links,
    branch,
    pack: (version) => prepared.pack(version),
  };
}

/** What a person must agree to. A renewal changes nothing for hosts. */
async function questionOf(
  { env }: Context,
  { config }: OpenTree,
  given: {
    readonly environment: string;
    readonly options: PublishOptions;
    readonly slots: Slots;
    readonly answer: PublishPlan;
  },
): Promise<Question> {
  const { environment, options, slots, answer } = given;
  const { outcome, release, previous } = answer;
  const what = `publish ${release.custom.version} for ${environment}`;
  if (outcome === 'renewed') return { lines: [], doubts: [], what };
  const place = { directory: config.repository, env };
  const { commit } = release.custom;
  const compared = { environment, before: previous?.custom.commit, commit };
  const doubts = [
    ...holdDoubts(environment, previous?.custom, options),
    ...rolloutDoubts(environment, slots, options),
    ...haltDoubts(environment, previous, { release, options }),
    ...(await olderDoubts(place, compared, options)),
  ];
  return { lines: [], doubts, what };
}

/**
 * Uploads the tarball of a release that the environment has already, when somebody deleted it:
 * hosts that do not have it yet could not get it.
 */
async function restoreBlob(
  repository: Repository,
  { pack }: Pick<Prepared, 'pack'>,
  { outcome, release }: PublishPlan,
): Promise<void> {
  if (outcome === 'published' || (await hasBlob(repository, release))) return;
  const tarball = await pack(release.custom.version);
  await putBlob(repository, tarball);
  repository.notice?.(
    `the tarball of ${printable(release.custom.version, 64)} was missing in the bucket: uploaded again`,
  );
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

/** Warns the publisher about unusual values that are no reason to refuse. */
function warn(
  context: Context,
  verified: VerifiedMetadata,
  { environment, version }: Pick<PublishRequest, 'environment' | 'version'>,
): void {
  const before = replaceableOffer(verified, environment).current?.custom.version;
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
  given: {
    readonly done: CarriedOut<PublishPlan>;
    readonly gates: GatesAnswer | null;
    readonly preview: DiffAnswer | undefined;
  },
): Answer {
  const { done, gates, preview } = given;
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
    gates,
    ...(preview !== undefined && { preview }),
  };
  return { document, lines: linesOf(document, expiryLines(document, answer.role)) };
}

function linesOf(
  { outcome, environment, release, previous, ...rest }: PublishAnswer,
  expiry: readonly string[],
): string[] {
  const { version, sha256, commit: from, length } = release;
  const what = `${environment} ${printable(version, 64)}`;
  const content = `sha256 ${sha256}, ${length} bytes, ${from === null ? 'from the work tree' : `commit ${from}`}`;
  switch (outcome) {
    case 'unchanged':
      return [`nothing to publish: ${what} is already this release`, content];
    case 'proposed':
      return [`proposed ${what}`, content, ...proposalLines(rest)];
    case 'noop':
      return [`would publish ${what}`, content, 'would write:', ...rest.objects];
    case 'renewed':
      return [`renewed the signatures of ${what}`, ...expiry];
    case 'published': {
      const before = previous === null ? '' : `, before: ${printable(previous.version, 64)}`;
      return [`published ${what}${before}`, content, ...expiry];
    }
  }
}

/** The roles of other environments do not matter to these hosts. */
function expiryLines({ expires }: PublishAnswer, role: string): string[] {
  const [first] = ['root', 'targets', 'snapshot', 'timestamp', role]
    .map((name) => ({ name, at: expires?.[name] ?? '' }))
    .filter(({ at }) => at !== '')
    .sort((a, b) => a.at.localeCompare(b.at));
  return first === undefined
    ? []
    : [`hosts can follow until ${first.at} (${roleWord(first.name)})`];
}
