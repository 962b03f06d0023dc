import { CodedError } from '../../../shared/coded-error.ts';

/** A module that a Puppetfile names. */
export interface PuppetfileModule {
  /** The part after the author, which is the name of its directory. */
  readonly name: string;
  /** Whether the Puppetfile fixes the content: a version, a tag or a commit. */
  readonly isExact: boolean;
  /** Part of the repository itself (`local: true`): nothing to install. */
  readonly isLocal: boolean;
  /** The directory of its own that `install_path` names, which need not be on the modulepath. */
  readonly installPath: string | undefined;
}

const MODULE = /^[^\S\n]*mod[\s(]+(['"])(?:[\w.-]+[/-])?([\w]+)\1/gm;
/** Lines, blocks, and everything behind the end of the program. */
const COMMENTS = /^[^\S\n]*#.*$|^=begin\b[\s\S]*?^=end\b.*$|^__END__$[\s\S]*/gm;
const EXACT = /:(?:tag|commit)\s*=>|\b(?:tag|commit):\s|:ref\s*=>\s*['"][0-9a-f]{40}['"]/;
const VERSION = /^\s*,\s*['"]\d+\.\d+\.\d+[^'"]*['"]/;
const LOCAL = /:local\s*=>\s*true|\blocal:\s*true|(?::type\s*=>|\btype:)\s*(?:['"]|:)local\b/;
const INSTALL_PATH = /(?::install_path\s*=>|\binstall_path:)\s*(['"])([^'"\n]*)\1/;
const MODULEDIR = /^[^\S\n]*moduledir[\s(]+(['"])([^'"\n]+)\1[^\n]*/m;

/**
 * The modules of a Puppetfile. A Puppetfile is a Ruby program. This function only searches for
 * `mod` calls and never runs it; the installer runs it.
 */
export function parsePuppetfile(text: string): PuppetfileModule[] {
  const code = text.replace(COMMENTS, '');
  const calls = [...code.matchAll(MODULE)];
  return calls.map((call, index) => {
    const rest = code.slice(call.index + call[0].length, calls[index + 1]?.index);
    return {
      name: call[2] ?? '',
      isExact: EXACT.test(rest) || VERSION.test(rest),
      isLocal: LOCAL.test(rest),
      installPath: INSTALL_PATH.exec(rest)?.[2],
    };
  });
}

/** The directory of an environment into which r10k installs the modules of this Puppetfile. */
export function moduledirOf(text: string): string {
  return MODULEDIR.exec(text)?.[2] ?? 'modules';
}

/**
 * The Puppetfile as an installer gets it. `moduledir` is taken out, because r10k prefers it to the
 * directory of the command line. Only `r10k deploy` knows what `:control_branch` means: it is the
 * branch that is published.
 */
export function installable(text: string, branch: string | undefined): string {
  const here = text.replace(MODULEDIR, '');
  return branch === undefined ? here : here.replace(/:control_branch\b/g, `'${branch}'`);
}

const KEY =
  '(?:git|tag|ref|commit|branch|default_branch|local|type|source|version|latest|exclude_spec)';
/**
 * A literal without escapes and interpolation. It must be neither an option of git nor a transport
 * such as `ext::`.
 */
const TEXT = String.raw`'(?!-)(?![^']*::)[^'\\#\n]*'|"(?!-)(?![^"]*::)[^"\\#\n]*"`;
const LITERAL = new RegExp(
  [
    String.raw`\s+|#[^\n]*|[,()]|=>`,
    String.raw`(?:mod|forge|true|false|nil)(?![\w:])`,
    String.raw`moduledir[\s(]+(['"])[\w-]+\1`,
    String.raw`(?::install_path\s*=>|install_path:)\s*(['"])(?:\w[\w/-]*)?\2`,
    `:${KEY}(?!\\w)|${KEY}:(?!:)`,
    TEXT,
  ].join('|'),
  'y',
);

/**
 * What a plain list of modules consists of: `mod` with values, and variables for texts, such as
 * `base = 'https://…'` and `git: "#{base}/x"`.
 */
const LISTING = new RegExp(
  [
    String.raw`\s+|[,(){}]|=>`,
    String.raw`mod(?=[\s(]+(['"])(?:[\w.-]+[/-])?\w+\1)`,
    String.raw`(?:forge|metadata|moduledir|true|false|nil)(?![\w:])`,
    String.raw`:\w+|\w+:(?!:)`,
    String.raw`'[^'\n]*'|"(?:[^"\\#\n]|\\.|#(?!\{)|#\{\w+\})*"`,
    String.raw`#[^\n]*`,
    String.raw`[A-Za-z_]\w*\s*=(?![=>~])`,
    String.raw`(?<=(?:=>|:)\s*)[A-Za-z_]\w*(?=\s*(?:[,)}\n]|$))`,
  ].join('|'),
  'y',
);

/**
 * Whether a Puppetfile is more than a list of modules: it has conditions, loops or other files.
 * Then only the program that runs it knows the modules, and they may be others the next time.
 */
export function isComputed(text: string): boolean {
  return otherThan(LISTING, text.replace(COMMENTS, '')) !== undefined;
}

/** The directories that `install_path` names anywhere. */
export function installPathsOf(text: string): readonly string[] {
  const all = text.replace(COMMENTS, '').matchAll(new RegExp(INSTALL_PATH, 'g'));
  return [...new Set([...all].map((match) => match[2] ?? ''))];
}

/** Where the text is no longer a sequence of what a sticky pattern matches. */
function otherThan(pattern: RegExp, text: string): number | undefined {
  for (pattern.lastIndex = 0; pattern.lastIndex < text.length; ) {
    const at = pattern.lastIndex;
    if (!pattern.test(text)) return at;
  }
  return undefined;
}

/**
 * r10k runs a Puppetfile as a Ruby program. When somebody else chose the files, it may contain only
 * calls with literal arguments, so that no other code runs. Throws RELEASE_INVALID; `next`: what to
 * do then.
 */
export function requireLiteral(text: string, next: string): void {
  const at = otherThan(LITERAL, text);
  if (at === undefined) return;
  const line = text.slice(0, at).split('\n').length;
  throw new CodedError(
    `line ${line} of the Puppetfile is more than \`mod\` with plain texts: the program that installs modules would run it on this machine`,
    { code: 'RELEASE_INVALID', next, details: { line } },
  );
}
