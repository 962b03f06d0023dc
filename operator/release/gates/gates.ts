import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import {
  type EnvironmentConf,
  moduleDirectories,
  siteManifest,
} from '../../../bucket/documents/environment-conf.ts';
import { counted } from '../../../shared/counted.ts';
import { orUndefined } from '../../../shared/files.ts';
import { findPuppet, type PuppetRuby } from '../../puppet/find-puppet.ts';
import { rubySources } from '../../puppet/ruby/ruby-source.ts';
import { parsePuppetfile } from '../modules/puppetfile.ts';
import { fileAt } from '../tree/file-at.ts';
import { moduleOf } from '../tree/module-path.ts';
import type { FileEntry, SourceTree } from '../tree/tree.ts';
import { withLinked } from '../tree/with-linked.ts';
import {
  type Checked,
  type CheckRequest,
  checkFiles,
  type Surroundings,
  type Tools,
} from './check-files.ts';
import { LINT_FILE, parseLintFile } from './lint-settings.ts';
import { type Kind, type LoadedFile, loadedFiles } from './loaded-files.ts';
import { type Found, type GateProblem, problemIn } from './problem.ts';
import { blobId, type Verdict, Verdicts, verdictKey } from './verdicts.ts';

export interface GatesRequest {
  readonly tree: SourceTree;
  readonly conf: EnvironmentConf;
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** File with the verdicts of earlier publications. */
  readonly verdictFile: string;
  /** Whether verdicts are kept; false with `--noop`. */
  readonly isKept: boolean;
  /** `--strict`: warnings that were found earlier count again. */
  readonly isStrict: boolean;
  /** Warnings that an earlier command showed are found again, as with `isStrict`. */
  readonly showsAll?: boolean | undefined;
  /** Temporary. */
  readonly directory: string;
  readonly onProgress?: CheckRequest['onProgress'];
}

export interface GatesResult {
  /** Number of files that Puppet would load. */
  readonly loaded: number;
  /** Of these, the number that were checked now; the others were good before. */
  readonly checked: number;
  /** Undefined: nothing had to be checked, or there is no Puppet. */
  readonly tools: Tools | undefined;
  readonly problems: readonly GateProblem[];
  /** What was not checked, and why: a program is not installed, or the work would take too long. */
  readonly skipped: readonly string[];
}

/** Larger files are data, and parsing one may need a hundred times its size in memory. */
const MAX_CHECKED_BYTES = 8 * 1024 ** 2;
/**
 * puppet-lint needs five times as long as all other checks together, and style matters most in what
 * changes. When more manifests than this are new, none is linted without `--strict`.
 */
const MAX_LINTED = 50;

/**
 * Checks the files of a release that Puppet would load, with the Puppet of this machine: manifests,
 * templates, Ruby, data, hiera.yaml, dependencies of modules, and style by puppet-lint. Files that
 * were good in an earlier publication are not checked again. Throws PUPPET_FAILED.
 */
export async function passGates(request: GatesRequest): Promise<GatesResult> {
  const { tree, conf, env, directory, isStrict } = request;
  const needsClean = isStrict || request.showsAll === true;
  const all = withLinked(tree.entries);
  const files = loadedFiles(all, conf);
  const loaded = files.length;
  const puppet = findPuppet(env);
  if (puppet === undefined) return { ...NOTHING, loaded, skipped: [NO_PUPPET] };
  const surroundings = surroundingsOf(tree, all, conf);
  const verdicts = new Verdicts(request.verdictFile, fingerprintOf(puppet, env));
  const [small, large] = bySize(files);
  const candidates = withKeys(small, { tree, surroundings });
  const wanted = candidates.filter(({ key }) => !isEnough(verdicts.get(key), needsClean));
  const unchecked = large.map(tooLarge);
  if (wanted.length === 0) return { ...NOTHING, loaded, problems: unchecked };
  const lint = planLint(wanted, isStrict);
  const checked = await checkFiles({
    ...{ puppet, env, directory, onProgress: request.onProgress },
    surroundings: lint.isDone ? surroundings : { ...surroundings, lint: undefined },
    files: wanted.map((file) => ({ ...file, isLinted: file.isLinted && lint.isDone })),
  });
  const result: GatesResult = {
    ...{ loaded, checked: wanted.length, tools: checked.tools },
    problems: [...problemsOf(checked, wanted), ...unchecked],
    skipped: lint.isDone && checked.tools.lint === null ? [NO_LINT] : lint.skipped,
  };
  if (!request.isKept) return result;
  remember(verdicts, { wanted, checked, isRefused: isRefused(result, isStrict), needsClean });
  return result;
}

/**
 * Whether the release must not be published. With `isStrict`, warnings and skipped checks refuse
 * it, too.
 */
export function isRefused({ problems, skipped }: GatesResult, isStrict: boolean): boolean {
  if (problems.some(({ level }) => level === 'error')) return true;
  return isStrict && (problems.length > 0 || skipped.length > 0);
}

const NOTHING = { checked: 0, tools: undefined, problems: [], skipped: [] };
const NO_PUPPET =
  'no puppet in /opt/puppetlabs/bin or on the search path: nothing of what Puppet would load was checked';
const NO_LINT = 'puppet-lint is not installed for the Ruby of Puppet: no manifest was linted';

function planLint(
  wanted: readonly Candidate[],
  isStrict: boolean,
): { readonly isDone: boolean; readonly skipped: readonly string[] } {
  const { length } = wanted.filter(({ isLinted }) => isLinted);
  if (isStrict || length <= MAX_LINTED) return { isDone: length > 0, skipped: [] };
  const why = `more than ${MAX_LINTED} are new or changed; --strict lints all`;
  return { isDone: false, skipped: [`not linted: ${counted(length, 'manifest')}: ${why}`] };
}

interface Candidate extends LoadedFile {
  readonly isLinted: boolean;
  readonly key: string;
}

function isEnough(verdict: Verdict | undefined, needsClean: boolean): boolean {
  return verdict === 'clean' || (verdict === 'passed' && !needsClean);
}

function bySize(files: readonly LoadedFile[]): [small: LoadedFile[], large: LoadedFile[]] {
  const isSmall = ({ entry }: LoadedFile) => entry.content.length <= MAX_CHECKED_BYTES;
  return [files.filter(isSmall), files.filter((file) => !isSmall(file))];
}

function tooLarge({ entry: { path, content }, kind }: LoadedFile): GateProblem {
  const message = `${content.length} bytes: files of more than ${MAX_CHECKED_BYTES} are not checked`;
  const found: Found = { level: 'warning', line: null, column: null, message };
  return problemIn(path, kind, found, Buffer.alloc(0));
}

/** Each file with a digest of all that its verdict depends on. */
function withKeys(
  files: readonly LoadedFile[],
  { tree, surroundings }: { readonly tree: SourceTree; readonly surroundings: Surroundings },
): Candidate[] {
  const { modulepath, manifest, present, lint } = surroundings;
  const foreign = foreignModules(tree);
  const places = JSON.stringify([modulepath, manifest]);
  const depends: Partial<Record<Kind, string>> = {
    puppet: `${places}${JSON.stringify(lint)}`,
    metadata: JSON.stringify(present),
  };
  return files.map((file) => {
    const { entry, kind, module } = file;
    // Modules of the Puppetfile have other authors, who choose their own style.
    const isLinted = kind === 'puppet' && !(module !== undefined && foreign.has(module));
    // The name of a class must fit its place, and hiera.yaml differs between modules and the rest.
    const path = kind === 'puppet' || kind === 'hiera' ? entry.path : '';
    const blob = blobId(entry.content.read());
    const key = verdictKey(kind, blob, path, String(isLinted), depends[kind] ?? '');
    return { ...file, isLinted, key };
  });
}

function foreignModules({ entries }: SourceTree): ReadonlySet<string> {
  const modules = parsePuppetfile(textOf(entries, 'Puppetfile')).filter(({ isLocal }) => !isLocal);
  return new Set(modules.map(({ name }) => name));
}

function surroundingsOf(
  { entries, modules = [] }: SourceTree,
  files: readonly FileEntry[],
  conf: EnvironmentConf,
): Surroundings {
  const directories = moduleDirectories(conf);
  const versions = new Map(modules.map(({ name, version }) => [name, version]));
  const modulepath = new Set<string>();
  const present: Record<string, string | null> = {};
  for (const { path } of files) {
    const place = moduleOf(path, directories);
    if (place?.inside === undefined) continue;
    modulepath.add(dirname(place.directory));
    present[place.module] = versions.get(place.module) ?? null;
  }
  return {
    modulepath: [...modulepath],
    manifest: siteManifest(conf) ?? null,
    present,
    lint: parseLintFile(textOf(entries, LINT_FILE)),
  };
}

function textOf(entries: SourceTree['entries'], path: string): string {
  const entry = fileAt(entries, path);
  const isSmall = entry !== undefined && entry.content.length <= MAX_CHECKED_BYTES;
  return isSmall ? entry.content.read().toString('utf8') : '';
}

/** Changes with Puppet, Ruby, puppet-lint and the checks themselves. */
function fingerprintOf(puppet: PuppetRuby, env: Readonly<NodeJS.ProcessEnv>): string {
  const directories = [dirname(puppet.ruby.path), ...(env['PATH'] ?? '').split(delimiter)];
  const lint = directories.map((directory) => {
    return orUndefined(() => statSync(join(directory, 'puppet-lint')).mtimeMs) ?? null;
  });
  const parts = [puppet.fingerprint, lint, rubySources()];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

function problemsOf({ found }: Checked, wanted: readonly Candidate[]): GateProblem[] {
  const problems = [...found].flatMap(([index, all]) => {
    const file = wanted[index];
    if (file === undefined) return [];
    const { path, content } = file.entry;
    return all.map((each) => problemIn(path, file.kind, each, content.read()));
  });
  const rank = ({ level }: GateProblem) => (level === 'error' ? 0 : 1);
  return problems.sort(
    (a, b) => rank(a) - rank(b) || a.path.localeCompare(b.path) || (a.line ?? 0) - (b.line ?? 0),
  );
}

/**
 * Stores the verdicts. When the release is refused, files with warnings are not stored, so that the
 * warnings are shown again. With `needsClean` only clean files are stored.
 */
function remember(
  verdicts: Verdicts,
  given: {
    readonly wanted: readonly Candidate[];
    readonly checked: Checked;
    readonly isRefused: boolean;
    readonly needsClean: boolean;
  },
): void {
  const { tools, found } = given.checked;
  for (const [index, { key, isLinted }] of given.wanted.entries()) {
    const hasProblems = found.has(index);
    if (!hasProblems && (!isLinted || tools.lint !== null)) verdicts.add(key, 'clean');
    else if (!given.needsClean && !(hasProblems && given.isRefused)) verdicts.add(key, 'passed');
  }
  verdicts.save();
}
