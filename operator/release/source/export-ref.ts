import { CodedError } from '../../../shared/coded-error.ts';
import { shellWord } from '../../../shared/shell-word.ts';
import { didYouMean } from '../../../shared/suggestion.ts';
import type { TreeBuilder } from '../tree/tree-builder.ts';
import { attributesOf } from './attributes.ts';
import { branchesOf } from './branches.ts';
import { type FoundCommit, findRepository, openCleanRoom } from './clean-room.ts';
import { applyFilters, type FilterSource } from './filters.ts';
import { type GitPlace, git, gitAnswer, gitList, gitStream, NOTHING_THERE } from './git.ts';
import { commitsNamed, readObjects } from './objects.ts';
import { readTar } from './read-tar.ts';
import { submodulesOf } from './submodules.ts';

/**
 * Finds the commit of a ref: a local branch first, then a tag, a branch of origin, any other name.
 * With `commit` it is that one, whatever the ref says now. Throws GIT_FAILED. `directory` is
 * temporary and empty.
 */
export async function findCommit(
  place: GitPlace,
  wanted: { readonly ref: string; readonly commit?: string | undefined },
  directory: string,
): Promise<FoundCommit> {
  const commit =
    wanted.commit === undefined
      ? await commitOf(place, wanted.ref)
      : await exactly(place, wanted.commit);
  const repository = await findRepository(place);
  const room = await openCleanRoom(place, repository, directory);
  return { place, repository, room, commit };
}

async function commitOf(place: GitPlace, ref: string): Promise<string> {
  const commits = await commitsNamed(place, namesOf(ref));
  for (const name of namesOf(ref)) {
    const commit = commits.get(name);
    if (commit === undefined) continue;
    await requireOneMeaning(place, ref, { name, commit });
    return commit;
  }
  // Fails with git's own message when the reason is not the ref: no repository, or not ours.
  await git(place, ['rev-parse', '--git-dir']);
  await requireCommitOf(place, ref);
  const hint = didYouMean(
    ref,
    (await branchesOf(place)).map(({ name }) => name),
  );
  throw new CodedError(
    `no branch, tag or commit ${JSON.stringify(ref)} in ${place.directory}${hint}`,
    {
      code: 'GIT_FAILED',
      next: `git -C ${shellWord(place.directory)} branch --all; then set ref: in miyamoto.yaml, or give --ref`,
      details: { ref },
    },
  );
}

/** Throws GIT_FAILED when the ref is there, and what it names is no commit of this clone. */
async function requireCommitOf(place: GitPlace, ref: string): Promise<void> {
  if (ref.includes('\0')) return; // nothing has such a name, and no program accepts it
  for (const name of namesOf(ref)) {
    const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', name];
    const id = await gitAnswer(place, args);
    if (id === undefined) continue;
    const type = await gitAnswer(place, ['cat-file', '-t', `${id}^{}`]);
    const what =
      type === undefined ? 'which this clone lacks' : `which is a ${type}, and no commit`;
    throw new CodedError(`${name} in ${place.directory} is ${id}, ${what}`, {
      code: 'GIT_FAILED',
      next: `git -C ${shellWord(place.directory)} fsck; then clone again, or give another --ref`,
      details: { ref },
    });
  }
}

/**
 * Refuses ambiguous refs: a tag with the name of a branch, and a ref whose name is the beginning of
 * the id of a commit. A person who may only push a tag or another branch must not decide what an
 * environment gets. A branch of this clone belongs to the user and is accepted. Throws GIT_FAILED.
 */
async function requireOneMeaning(
  place: GitPlace,
  ref: string,
  found: { readonly name: string; readonly commit: string },
): Promise<void> {
  const { name, commit } = found;
  if (name === ref || name.startsWith('refs/heads/')) return;
  const others = [`refs/remotes/origin/${ref}`, ...(await commitsFrom(place, ref))];
  for (const [other, meant] of await commitsNamed(place, others)) {
    if (meant === commit) continue;
    throw new CodedError(
      `${JSON.stringify(ref)} has two meanings in ${place.directory}: ${name} is at ${commit}, ${other} at ${meant}`,
      { code: 'GIT_FAILED', next: `--ref ${name}, or --ref ${other}`, details: { ref } },
    );
  }
}

/** The ids of the commits that begin with the text. */
async function commitsFrom(place: GitPlace, ref: string): Promise<readonly string[]> {
  if (!/^[0-9a-f]{4,64}$/.test(ref)) return [];
  return ((await gitAnswer(place, ['rev-parse', `--disambiguate=${ref}`])) ?? '').split('\n');
}

/** A branch or tag may have the name of a commit: git takes a whole id for the commit itself. */
async function exactly(place: GitPlace, commit: string): Promise<string> {
  if ((await commitsNamed(place, [commit])).get(commit) === commit) return commit;
  await git(place, ['rev-parse', '--git-dir']);
  throw new CodedError(`commit ${commit} is not in ${place.directory}`, {
    code: 'GIT_FAILED',
    next: `git -C ${shellWord(place.directory)} fetch --all --tags; then the same command again`,
    details: { commit },
  });
}

/** The full names under which a ref is looked for, in this order. A whole id is only a commit. */
export function namesOf(ref: string): string[] {
  if (/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(ref)) return [ref];
  return [`refs/heads/${ref}`, `refs/tags/${ref}`, `refs/remotes/origin/${ref}`, ref];
}

export interface Peeked {
  readonly committedAt: Date;
  /** By path. Others are not in the commit. */
  readonly files: ReadonlyMap<string, string>;
}

/** What must be known of a commit before all of its files are read. Throws GIT_FAILED. */
export async function peekCommit(
  { room, commit, repository }: FoundCommit,
  paths: readonly string[],
): Promise<Peeked> {
  const names = paths.map((path) => `${commit}:${repository.prefix}${path}`);
  const [head, ...objects] = await readObjects(room, [commit, ...names]);
  const seconds = Number(/^committer .* (\d+) [+-]\d+$/m.exec(head?.content ?? '')?.[1]);
  const files = new Map<string, string>();
  for (const [index, path] of paths.entries()) {
    const object = objects[index];
    if (object?.type === 'blob') files.set(path, object.content);
  }
  return { committedAt: new Date(seconds * 1000), files };
}

export interface Exporting {
  readonly builder: TreeBuilder;
  /** Filters that may run: `publish.filters`. */
  readonly filters: readonly string[];
  /** A new, empty temporary directory. */
  readonly newDirectory: () => Promise<string>;
}

/**
 * Adds the files of a commit as `git archive` gives them, with those of its submodules. Neither
 * work tree, index nor current branch are read or changed, and `export-ignore` counts. Throws
 * GIT_FAILED.
 */
export async function exportCommit(
  found: FoundCommit,
  exporting: Exporting,
  prefix = '',
): Promise<void> {
  const { room, commit } = found;
  const { builder } = exporting;
  const first = builder.entries.length;
  const directories = await gitStream(room, ['archive', '--format=tar', commit], (stdout) =>
    readTar(stdout as AsyncIterable<Buffer>, prefix, builder),
  ).catch((error: unknown) => {
    throw explained(error, found);
  });
  const isEmpty = directories.size === 0 && builder.entries.length === first;
  if (isEmpty && found.repository.prefix !== '') {
    const { says, next } = NOTHING_THERE;
    throw new CodedError(says(found.place.directory), { code: 'GIT_FAILED', next });
  }
  const listing = await gitList(room, ['ls-tree', '-r', '-z', '--full-tree', commit]);
  // Attributes of a directory above the place count as well.
  if (listing.some((line) => /[\t/]\.gitattributes$/.test(line)))
    await filterEntries(found, exporting, { prefix, first });
  for (const submodule of await submodulesOf(found, listing)) {
    const path = prefix + submodule.path;
    // `git archive` writes an empty directory for a submodule, unless `export-ignore` names it.
    if (!directories.has(path)) continue;
    const inner = await submodule.open(await exporting.newDirectory());
    if (inner === undefined) {
      if (builder.accepts(path)) builder.emptySubmodules.push(path);
      continue;
    }
    builder.checkouts.push({ path, source: submodule.url, commit: submodule.commit });
    await exportCommit(inner, exporting, `${path}/`);
  }
}

/**
 * Paths with the attribute `filter`: the archive has what is in the repository, not in a checkout.
 */
async function filterEntries(
  { room, commit, place, repository }: FoundCommit,
  { builder, filters }: Exporting,
  { prefix, first }: { readonly prefix: string; readonly first: number },
): Promise<void> {
  await git(room, ['read-tree', commit]);
  const added = builder.entries.slice(first).map(({ path }) => path.slice(prefix.length));
  const source: FilterSource = {
    place,
    commonDirectory: repository.commonDirectory,
    filterOf: new Map(
      [...(await attributesOf(room, added, 'index'))].map(([path, { filter }]) => [path, filter]),
    ),
  };
  await applyFilters(builder, source, { prefix, filters });
}

/** A partial clone lacks objects, and mm never lets git fetch them by itself. */
function explained(error: unknown, { place }: FoundCommit): unknown {
  const isMissing =
    /unable to read|cannot read|invalid object|missing (object|blob)|not a (valid|tree) object|could not (get|fetch)/i;
  if (!(error instanceof CodedError) || !isMissing.test(error.message)) return error;
  return new CodedError(error.message, {
    code: 'GIT_FAILED',
    cause: error,
    next: `this clone lacks objects: git -C ${shellWord(place.directory)} fetch --refetch --no-filter origin`,
    details: error.details,
  });
}
