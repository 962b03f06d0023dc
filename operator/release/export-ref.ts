import { Parser, type ReadEntry } from 'tar';
import { CodedError } from '../../shared/coded-error.ts';
import { type GitPlace, git, gitStream } from './git.ts';
import { LIMITS, type SourceTree, type TreeEntry } from './tree.ts';

/**
 * The tree of a ref's commit, as `git archive` gives it: neither work tree, index nor current branch are looked at or
 * touched, and `export-ignore` counts. A branch here wins over a tag, both over a branch of origin. Throws GIT_FAILED.
 */
export async function exportRef(place: GitPlace, ref: string): Promise<SourceTree> {
  const commit = await commitOf(place, ref);
  const { entries, directories } = await gitStream(
    place,
    ['archive', '--format=tar', commit],
    readTar,
  );
  const submodules = await submodulesOf(place, commit);
  const seconds = Number(await git(place, ['show', '-s', '--format=%ct', commit]));
  return {
    entries,
    emptySubmodules: submodules.filter((path) => directories.has(path)),
    commit,
    ref,
    committedAt: new Date(seconds * 1000),
  };
}

async function commitOf(place: GitPlace, ref: string): Promise<string> {
  for (const name of [`refs/heads/${ref}`, `refs/tags/${ref}`, `refs/remotes/origin/${ref}`, ref]) {
    const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`];
    try {
      return (await git(place, args)).toString('utf8').trim();
    } catch (error) {
      // Anything but "no such commit" is said in git's own words: no repository, one that is not ours ...
      await git(place, ['rev-parse', '--git-dir']);
      if (!(error instanceof CodedError)) throw error;
    }
  }
  throw new CodedError(`no branch, tag or commit ${JSON.stringify(ref)} in ${place.directory}`, {
    code: 'GIT_FAILED',
    next: `git -C ${place.directory} branch --all; then set ref: in miyamoto.yaml, or give --ref`,
    details: { ref },
  });
}

/** Paths that are another repository's commit: `git archive` leaves an empty directory there. */
async function submodulesOf(place: GitPlace, commit: string): Promise<string[]> {
  const listing = (await git(place, ['ls-tree', '-r', '-z', commit])).toString('utf8');
  return listing
    .split('\0')
    .filter((line) => line.startsWith('160000 '))
    .map((line) => line.slice(line.indexOf('\t') + 1));
}

interface TarContent {
  readonly entries: readonly TreeEntry[];
  readonly directories: ReadonlySet<string>;
}

async function readTar(stdout: AsyncIterable<Buffer>): Promise<TarContent> {
  const entries: TreeEntry[] = [];
  const directories = new Set<string>();
  const parser = new Parser({ strict: true });
  const ended = new Promise<void>((resolve, reject) => {
    parser.on('end', resolve);
    parser.on('error', reject);
    parser.on('entry', (entry: ReadEntry) => take(entry, { entries, directories }, reject));
  });
  ended.catch(() => undefined); // awaited below; it may reject before that
  let length = 0;
  for await (const chunk of stdout) {
    length += chunk.length;
    if (length > LIMITS.bytes) throw tooLarge();
    parser.write(chunk);
  }
  parser.end();
  await ended;
  return { entries, directories };
}

function take(
  entry: ReadEntry,
  into: { readonly entries: TreeEntry[]; readonly directories: Set<string> },
  reject: (error: Error) => void,
): void {
  const { path, type, linkpath = '', mode = 0 } = entry;
  const chunks: Buffer[] = [];
  entry.on('data', (chunk: Buffer) => chunks.push(chunk));
  if (type === 'Directory') into.directories.add(path.replace(/\/$/, ''));
  else if (type === 'SymbolicLink') into.entries.push({ kind: 'link', path, target: linkpath });
  else if (type === 'File') {
    entry.on('end', () => {
      const isExecutable = (mode & 0o100) !== 0;
      into.entries.push({ kind: 'file', path, isExecutable, content: Buffer.concat(chunks) });
    });
  } else {
    reject(
      new CodedError(`${path} is a ${type}, only files and links can be published`, {
        code: 'ARCHIVE_UNSAFE',
      }),
    );
  }
}

function tooLarge(): CodedError {
  return new CodedError(`the commit's tree is larger than ${LIMITS.bytes} bytes`, {
    code: 'ARCHIVE_TOO_LARGE',
    next: 'take large files out of it (export-ignore in .gitattributes), or put them below binaries/',
  });
}
