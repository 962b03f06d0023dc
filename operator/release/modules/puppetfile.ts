import { CodedError } from '../../../shared/coded-error.ts';

/** A module that a Puppetfile names. */
export interface PuppetfileModule {
  /** The part after the author, which is the name of its directory. */
  readonly name: string;
  /** Whether the Puppetfile fixes the content: a version, a tag or a commit. */
  readonly isExact: boolean;
  /** Part of the repository itself (`local: true`): nothing to install. */
  readonly isLocal: boolean;
}

const MODULE = /^[^\S\n]*mod[\s(]+(['"])(?:[\w.-]+[/-])?([\w]+)\1/gm;
const EXACT = /:(?:tag|commit)\s*=>|\b(?:tag|commit):\s|:ref\s*=>\s*['"][0-9a-f]{40}['"]/;
const VERSION = /^\s*,\s*['"]\d+\.\d+\.\d+[^'"]*['"]/;

/**
 * The modules of a Puppetfile. A Puppetfile is a Ruby program. This function only searches for
 * `mod` calls and never runs it; the installer runs it.
 */
export function parsePuppetfile(text: string): PuppetfileModule[] {
  const code = text.replace(/^[^\S\n]*#.*$/gm, '');
  const calls = [...code.matchAll(MODULE)];
  return calls.map((call, index) => {
    const rest = code.slice(call.index + call[0].length, calls[index + 1]?.index);
    return {
      name: call[2] ?? '',
      isExact: EXACT.test(rest) || VERSION.test(rest),
      isLocal: /:local\s*=>\s*true|\blocal:\s*true/.test(rest),
    };
  });
}

const KEY = '(?:git|tag|ref|commit|branch|default_branch|local|type|source|version|latest)';
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
    `:${KEY}(?!\\w)|${KEY}:(?!:)`,
    TEXT,
  ].join('|'),
  'y',
);

/**
 * r10k runs a Puppetfile as a Ruby program. When somebody else chose the commit, the file may
 * contain only calls with literal arguments, so that no other code runs. Throws RELEASE_INVALID.
 */
export function requireLiteral(text: string): void {
  for (LITERAL.lastIndex = 0; LITERAL.lastIndex < text.length; ) {
    const at = LITERAL.lastIndex;
    if (LITERAL.test(text)) continue;
    const line = text.slice(0, at).split('\n').length;
    throw new CodedError(
      `line ${line} of the Puppetfile is more than \`mod\` with plain texts: the program that installs modules would run it on this machine`,
      {
        code: 'RELEASE_INVALID',
        next: 'read the Puppetfile of the commit; mm root sign FILE --no-rebuild signs without comparing',
        details: { line },
      },
    );
  }
}
