/**
 * `environment.conf`, read as Puppet reads it (`puppet/settings/ini_file.rb`,
 * `environment_conf.rb`). Agent and publisher share this reader, so that a release which the
 * publisher accepts is the one that a host applies.
 */

export interface EnvironmentConf {
  /** As written, without quotes. Undefined: not set. */
  readonly manifest: string | undefined;
  /** The parts of `modulepath` as written; Puppet's default when it is not set. */
  readonly modulepath: readonly string[];
  /** The first line because of which Puppet refuses the file. It counts from 1. */
  readonly refused?: { readonly line: number; readonly text: string };
}

export const DEFAULT_MODULEPATH = ['modules', '$basemodulepath'];

const VARIABLE = /\$(\w+)|\$\{(\w+)\}/g;
/** What Ruby means by `\s` and `[[:word:]]`. A byte order mark is neither. */
const BLANKS = '[ \\t\\r\\f\\v]*';
const WORD = '[\\p{L}\\p{M}\\p{N}\\p{Pc}]+';
const SECTION = new RegExp(`^${BLANKS}\\[(${WORD})\\]${BLANKS}$`, 'u');
const SETTING = new RegExp(`^${BLANKS}(${WORD})${BLANKS}=${BLANKS}(.*?)${BLANKS}$`, 'u');
const NOTHING = new RegExp(`^${BLANKS}(#|$)`);
/** `config_file.rb` reads the first braces of any value as options of a file. */
const OPTIONS = /\{\s*([^}]+)\s*\}/;
const OPTION = /^\s*(?:(?:owner|group)\s*=\s*\w+|mode\s*=\s*\d+)\s*$/;
/** What a reader of UTF-8 puts in the place of other bytes. */
const NOT_UTF8 = '\ufffd';

/** Unknown settings and sections are ignored, as Puppet ignores them. Never throws. */
export function parseEnvironmentConf(text: string): EnvironmentConf {
  const settings = new Map<string, string>();
  let section = 'main';
  let refused: EnvironmentConf['refused'];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const header = SECTION.exec(line)?.[1];
    section = header ?? section;
    const [, name, value] = SETTING.exec(line) ?? [];
    const isKnown = header !== undefined || name !== undefined || NOTHING.test(line);
    if (!isKnown || line.includes(NOT_UTF8) || hasOtherBraces(value)) {
      refused ??= { line: index + 1, text: line };
    }
    // The first of two equal settings counts.
    if (section === 'main' && name !== undefined && value !== undefined && !settings.has(name)) {
      settings.set(name, unquoted(value));
    }
  }
  const modulepath = settings.get('modulepath')?.split(':').filter(Boolean);
  return {
    manifest: settings.get('manifest'),
    modulepath: modulepath ?? DEFAULT_MODULEPATH,
    ...(refused !== undefined && { refused }),
  };
}

/**
 * Removes what Puppet removes: one quote at each end, equal or not (`value_translator.rb`), and
 * options such as owner and mode (`config_file.rb`).
 */
function unquoted(value: string): string {
  return value
    .replace(/^["']|["']$/g, '')
    .replace(OPTIONS, '')
    .trimEnd();
}

function hasOtherBraces(value = ''): boolean {
  const options = OPTIONS.exec(value)?.[1]?.split(/\s*,\s*/) ?? [];
  return options.some((option) => !OPTION.test(option));
}

/**
 * Resolves a path of environment.conf relative to the environment's directory; "" is that directory
 * itself. Undefined when the path is outside, or starts with a setting such as `$codedir`.
 */
export function pathInEnvironment(path: string): string | undefined {
  if (/^[$/~]/.test(path)) return undefined;
  const names: string[] = [];
  for (const name of path.split('/')) {
    if (name === '..' && names.pop() === undefined) return undefined;
    if (name !== '' && name !== '.' && name !== '..') names.push(name);
  }
  return names.join('/');
}

/** The manifest inside the environment; "" is the environment itself. Undefined: it is outside. */
export function siteManifest({ manifest }: EnvironmentConf): string | undefined {
  return manifest === undefined ? 'manifests' : pathInEnvironment(manifest);
}

/** Directories of modules inside the environment. They may be patterns such as `site-*`. */
export function moduleDirectories({ modulepath }: EnvironmentConf): readonly string[] {
  const inside = modulepath.map(pathInEnvironment);
  return [...new Set(inside.filter((path) => path !== undefined && path !== ''))] as string[];
}

/**
 * Replaces `$name` and `${name}` with the given settings. Returns undefined when one is not given:
 * only Puppet itself knows its value then (`puppet config print`).
 */
export function interpolate(
  value: string,
  settings: Readonly<Record<string, string>>,
): string | undefined {
  const names = [...value.matchAll(VARIABLE)].map(([, plain, braced]) => plain ?? braced ?? '');
  if (names.some((name) => settings[name] === undefined)) return undefined;
  return value.replace(VARIABLE, (_, plain?: string, braced?: string) =>
    String(settings[plain ?? braced ?? '']),
  );
}
