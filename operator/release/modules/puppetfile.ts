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
 * The modules of a Puppetfile. It is a Ruby program; it is only searched for `mod` calls here and
 * never run. The tool that installs the modules runs it.
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
