import type { CommandNode } from '../../operator/cli/completion/command-tree.ts';
import { SHELLS } from '../../operator/cli/completion.ts';
import type { Architecture } from '../architectures.ts';
import {
  executable,
  file,
  gzip,
  type PackageFile,
  programParts,
  type Release,
  source,
} from '../contents/files.ts';
import type { Runtime } from '../runtime.ts';

/** Debian and the RedHat family look for a few files in other folders. */
export type Format = 'deb' | 'rpm';

/** What is packed: one program with its own Node. */
export interface LinuxPackage {
  readonly name: string;
  /** Its name in `PROGRAMS`. */
  readonly program: string;
  /** Where Node and the program go. Two packages on one machine must not share it. */
  readonly libexec: string;
  /** Empty directories in the package. */
  readonly directories: readonly string[];
  readonly manual: {
    readonly section: number;
    readonly page: (release: { readonly version: string; readonly date: string }) => string;
  };
  /** What shells complete. */
  readonly commands: () => CommandNode;
  /** Files that only this package has. */
  readonly others: (format: Format) => Promise<readonly PackageFile[]>;
  /** What is in `packaging/deb`: the template of dpkg's control file, and more. */
  readonly deb: {
    readonly control: string;
    /** Maintainer scripts. */
    readonly scripts: readonly string[];
    /** For lintian. */
    readonly overrides: readonly string[];
  };
  /** In `packaging/rpm`: tags and scriptlets. */
  readonly rpm: { readonly spec: string };
}

/** What all packages of one build are made from. */
export interface Parts {
  /** Holds what `build` wrote. */
  readonly bundleDirectory: string;
  readonly architecture: Architecture;
  readonly runtime: Runtime;
  readonly release: Release;
}

/** Every file that the package installs in each format, but its licences. */
export async function packageContents(
  { program, libexec, manual, commands, others }: LinuxPackage,
  format: Format,
  { bundleDirectory, runtime, release }: Parts,
): Promise<PackageFile[]> {
  const { section, page } = manual;
  return [
    executable(`${libexec}/node`, runtime.program),
    ...(await programParts(bundleDirectory, program, libexec)),
    executable(`usr/bin/${program}`, await source(`packaging/contents/${program}`)),
    file(`usr/share/man/man${section}/${program}.${section}.gz`, gzip(page(release))),
    ...completions(commands(), format),
    ...(await others(format)),
  ];
}

function completions(commands: CommandNode, format: Format): PackageFile[] {
  const program = commands.path;
  return [
    file(`usr/share/bash-completion/completions/${program}`, SHELLS.bash(commands)),
    file(`usr/share/zsh/${ZSH[format]}/_${program}`, SHELLS.zsh(commands)),
    file(`usr/share/fish/vendor_completions.d/${program}.fish`, SHELLS.fish(commands)),
  ];
}

const ZSH: Readonly<Record<Format, string>> = { deb: 'vendor-completions', rpm: 'site-functions' };

/** Puts what ends a cycle before a removal in its place in a script of deb or rpm. */
export async function withEndCycle(script: string): Promise<string> {
  const text = await source('packaging/linux/end-cycle');
  return script.replace('@END_CYCLE@\n', () => text);
}
