import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { CodedError } from '../../../../shared/coded-error.ts';
import { orUndefined } from '../../../../shared/files.ts';
import { requireOwn } from '../../../../shared/owned-path.ts';
import type { HostData } from './host-data.ts';
import { readHostFile } from './host-files.ts';

const KEY = 'overlay';
const MAX_BYTES = 64 * 1024 ** 2;
const MAX_FILES = 1000;
const MAX_TEMPLATE_BYTES = 64 * 1024;
/** Cannot occur in Puppet code or in YAML, so Puppet refuses a template that was not rendered. */
const NOT_RENDERED = '%{this template was not rendered}\n';

/** A template and the file that the run makes of it. */
export interface TemplateFile {
  /** The path in the environment, for messages. */
  readonly inside: string;
  readonly text: string;
  readonly target: string;
}

/**
 * Makes the view: the environment as a run sees it. The view consists of links to the entries of
 * the verified tree, of real directories on the way to the files of the host, and of copies of
 * these files with mode 0600. The run renders the templates, because it knows the facts
 * (host_templates.rb). `tree` is never changed.
 */
export function buildView(
  tree: string,
  view: string,
  overlay: HostData['overlay'],
): readonly TemplateFile[] {
  const files = new Map<string, Source>();
  const named = Object.entries(overlay).sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [name, source] of named) {
    const inside = withoutLinks(tree, name, typeof source === 'string' && isDirectory(source));
    if (typeof source === 'string') expand(source, inside, files);
    else files.set(inside, { path: source.template, isTemplate: true });
  }
  const directories = new Set([...files.keys()].flatMap(parentsOf));
  const clash = [...files.keys()].find((path) => directories.has(path));
  if (clash !== undefined) throw unusable(`${clash} is both a file and a directory`);
  rmSync(dirname(view), { recursive: true, force: true });
  makeDirectory(dirname(view));
  const hidden = [...files.keys()].find((path) => orUndefined(() => isDirectory(join(tree, path))));
  if (hidden !== undefined) throw unusable(`${hidden} is a directory in the release`);
  for (const directory of ['.', ...[...directories].sort()]) {
    linkEntries(tree, view, directory, (path) => files.has(path) || directories.has(path));
  }
  writeFiles(view, files);
  return [...files]
    .filter(([, { isTemplate }]) => isTemplate)
    .map(([inside, { path }]) => ({
      inside,
      text: readHostFile(path, KEY, MAX_TEMPLATE_BYTES).toString(),
      target: join(view, inside),
    }));
}

interface Source {
  readonly path: string;
  readonly isTemplate: boolean;
}

/** Collects the files below a path of the host, by their path in the environment. */
function expand(path: string, inside: string, files: Map<string, Source>): void {
  requireOwn(path, `${KEY}:`);
  if (files.size >= MAX_FILES) throw unusable(`it has more than ${MAX_FILES} files`);
  if (!isUsableDirectory(path)) files.set(inside, { path, isTemplate: false });
  else for (const name of readdirSync(path)) expand(join(path, name), join(inside, name), files);
}

/**
 * Reports a broken link or a loop of links as a mistake on the host, not as a failure of Puppet.
 */
function isUsableDirectory(path: string): boolean {
  try {
    return isDirectory(path);
  } catch (error) {
    throw unusable((error as Error).message);
  }
}

function isDirectory(path: string): boolean {
  return statSync(path).isDirectory();
}

/**
 * Resolves links of the release in the directories of a path, because Puppet may read the file by
 * either name. `isWhole`: the last name is a directory, too, and is resolved. A link that leaves
 * the release is not resolved, because the view does not contain its target.
 */
function withoutLinks(tree: string, inside: string, isWhole: boolean): string {
  const names = inside.split('/');
  const way = isWhole ? names.length : names.length - 1;
  for (let count = way; count > 0; count -= 1) {
    const found = orUndefined(() => realpathSync(join(tree, ...names.slice(0, count))));
    if (found === undefined) continue;
    if (!isDirectory(found)) break;
    const real = pathWithin(tree, found);
    return real === undefined ? inside : join(real, ...names.slice(count));
  }
  return inside;
}

/** Undefined for a path that is not in the tree. */
function pathWithin(tree: string, path: string): string | undefined {
  const inside = relative(realpathSync(tree), path);
  return inside.split('/')[0] === '..' ? undefined : inside;
}

function parentsOf(path: string): string[] {
  const parent = dirname(path);
  return parent === '.' ? [] : [...parentsOf(parent), parent];
}

/**
 * Makes a directory of the view, with links to the entries of the same directory in the release.
 */
function linkEntries(
  tree: string,
  view: string,
  directory: string,
  isOwn: (path: string) => boolean,
): void {
  makeDirectory(join(view, directory));
  const inTree = join(tree, directory);
  const found = orUndefined(() => statSync(inTree));
  if (found === undefined) return;
  if (!found.isDirectory()) throw unusable(`${directory} is a file in the release`);
  for (const name of readdirSync(inTree)) {
    if (isOwn(join(directory, name))) continue;
    symlinkSync(targetOf(tree, join(inTree, name)), join(view, directory, name));
  }
}

/**
 * Returns the target of the link in the view for an entry of the release. A link of the release is
 * copied, so that it leads to the entries of the view. When it leaves the release, it leads to the
 * same target as in the release.
 */
function targetOf(tree: string, entry: string): string {
  if (!lstatSync(entry).isSymbolicLink()) return entry;
  const text = readlinkSync(entry);
  const target = resolve(realpathSync(dirname(entry)), text);
  return pathWithin(tree, target) === undefined ? target : text;
}

/** Sets the mode independently of the umask: only `releases.mode` decides who may enter. */
function makeDirectory(path: string): void {
  mkdirSync(path);
  chmodSync(path, 0o755);
}

function writeFiles(view: string, files: ReadonlyMap<string, Source>): void {
  let left = MAX_BYTES;
  for (const [inside, { path, isTemplate }] of files) {
    const content = isTemplate ? NOT_RENDERED : readHostFile(path, KEY, left);
    left -= content.length;
    writeFileSync(join(view, inside), content, { flag: 'wx', mode: 0o600 });
  }
}

function unusable(why: string): CodedError {
  return new CodedError(`${KEY}: cannot use it: ${why}`, {
    code: 'CONFIG_INVALID',
    next: `correct ${KEY} in agent.yaml`,
  });
}
