import { access, chmod, constants, lstat, mkdir, readdir, rename } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { OfferedRelease } from '../../../bucket/documents/release.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { counted } from '../../../shared/counted.ts';
import { fileProblem } from '../../../shared/file-problem.ts';
import type { CheckoutAnswer } from '../../by-hand-answers.ts';
import type { Answer, CommonOptions, Context } from '../../context.ts';
import { agreement, CHECKOUT_MARK } from '../../files/checked-out.ts';
import { withTemporaryDirectory } from '../../files/temporary-directory.ts';
import { withRepository, withTree } from '../../open-tree.ts';
import { readPublished } from '../../preview/sides/published.ts';
import { releasePlace } from '../../preview/sides/read-sides.ts';
import { contentOf, Spool } from '../../release/tree/spool.ts';
import type { TreeEntry } from '../../release/tree/tree.ts';
import { writeTree } from '../../release/tree/write-tree.ts';
import { environmentsIn, nameRelease } from '../diff/name-sides.ts';
import { releaseAnswer } from '../releases/answer.ts';
import {
  localTree,
  localWanted,
  releaseEntries,
  type WhichFiles,
  withLocalSource,
} from './local-tree.ts';

export interface CheckoutOptions extends CommonOptions, Omit<WhichFiles, 'directory'> {
  /** Where to write; required by the command line. */
  readonly into: string;
}

/**
 * `mm checkout`: the files of a release, of a ref or of the work tree, as a host has them, in a new
 * directory. A release is verified as a host verifies it. Throws USAGE, CONFIG_*, GIT_FAILED,
 * ARCHIVE_*, RELEASE_INVALID, BLOB_MISMATCH.
 */
export async function checkout(
  context: Context,
  given: string | undefined,
  options: CheckoutOptions,
): Promise<Answer> {
  const directory = resolve(context.cwd, options.into);
  await requireFree(directory);
  const { ref, workingTree = false } = options;
  if (given === undefined && ref === undefined && !workingTree) {
    throw usage('name a release, or give --ref or --working-tree', 'mm checkout stable --into DIR');
  }
  if (given === undefined) return await checkOutSource(context, directory, options);
  if (ref === undefined && !workingTree) {
    return await checkOutRelease(context, directory, { given, options });
  }
  throw usage('give one of a release, --ref and --working-tree', 'mm checkout --help');
}

async function checkOutRelease(
  context: Context,
  directory: string,
  { given, options }: { readonly given: string; readonly options: CheckoutOptions },
): Promise<Answer> {
  return await withTree(context, options, async (tree) => {
    const { config } = tree;
    const environments = environmentsIn({ before: given, after: undefined }, config);
    const named = await withRepository(context, tree, { environments }, async ({ repository }) =>
      nameRelease(given, { context, config, repository, verified: await repository.read() }),
    );
    const { environment, release } = named;
    const entries = await withTemporaryDirectory('checkout', async (temporary) => {
      using spool = new Spool(temporary);
      const place = releasePlace(context, tree);
      const read = await readPublished(place, release, { spool, directory: temporary });
      await writeNewTree(withMark(read.tree.entries, environment, release), directory);
      return read.tree.entries.length;
    });
    return answerOf({
      schemaVersion: 1,
      ...{ directory, environment, entries },
      release: releaseAnswer(release),
      source: null,
    });
  });
}

async function checkOutSource(
  context: Context,
  directory: string,
  options: CheckoutOptions,
): Promise<Answer> {
  const local = await localTree(context, options);
  const wanted = localWanted(context, local, options);
  return await withLocalSource(context, local, wanted, async (source) => {
    const { ref, commit } = source.tree;
    const { environment } = wanted;
    const entries = releaseEntries(source, environment);
    await writeNewTree(entries, directory);
    return answerOf({
      schemaVersion: 1,
      ...{ directory, environment, entries: entries.length },
      release: null,
      source: { ref, commit, directory: local.repository },
    });
  });
}

/**
 * Adds the mark that prevents mm from running anything of the checkout: see files/checked-out.ts.
 * The signer of the release may have put something else in its place.
 */
function withMark(
  entries: readonly TreeEntry[],
  environment: string,
  { sha256, custom: { version } }: OfferedRelease,
): readonly TreeEntry[] {
  const mark = { environment, version, sha256 };
  const content = contentOf(Buffer.from(`${JSON.stringify(mark, null, 2)}\n`));
  const others = entries.filter(({ path }) => path.split('/')[0] !== CHECKOUT_MARK);
  return [...others, { kind: 'file', path: CHECKOUT_MARK, isExecutable: false, content }];
}

/** The directory appears when all of its files are there. */
async function writeNewTree(entries: readonly TreeEntry[], directory: string): Promise<void> {
  const parent = dirname(directory);
  await mkdir(parent, { recursive: true });
  const write = async (temporary: string) => {
    const tree = join(temporary, basename(directory));
    await writeTree(entries, tree, 'make');
    await chmod(tree, 0o755);
    await rename(tree, directory);
  };
  await withTemporaryDirectory('checkout', write, parent);
}

/**
 * Throws USAGE for a link, a file, a directory that is not empty, and where no directory can be
 * made.
 */
async function requireFree(directory: string): Promise<void> {
  const taken = await whyTaken(directory);
  if (taken === undefined) return;
  throw usage(`--into: ${taken}`, 'mm checkout --into DIR, with a directory that does not exist');
}

async function whyTaken(directory: string): Promise<string | undefined> {
  let at = directory;
  try {
    if (await isThere(directory)) return await whatIsThere(directory);
    // A broken link counts as existing, because no directory can be made in its place.
    while (!(await isThere(at))) at = dirname(at);
    await access(at, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    return fileProblem(at, error).why;
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return false;
  }
}

async function whatIsThere(directory: string): Promise<string | undefined> {
  const found = await lstat(directory);
  if (found.isSymbolicLink()) return `${directory} is a symbolic link`;
  if (!found.isDirectory()) return `${directory} is not a directory`;
  return (await readdir(directory)).length === 0 ? undefined : `${directory} is not empty`;
}

function answerOf(document: CheckoutAnswer): Answer {
  const { directory, release, source, entries, environment } = document;
  const what =
    release === null
      ? (source?.ref ?? 'the work tree')
      : `${environment} ${release.version}, sha256 ${release.sha256}, verified`;
  const mark = join(directory, CHECKOUT_MARK);
  return {
    document,
    lines: [
      `${directory}: ${what}`,
      counted(entries, 'file or link', 'files and links'),
      ...(release === null ? [] : [`mm runs nothing of it: ${agreement(mark)}`]),
    ],
  };
}

function usage(message: string, next: string): CodedError {
  return new CodedError(message, { code: 'USAGE', next });
}
