import { type CommandNode, commandTree } from '../../operator/cli/completion/command-tree.ts';
import { SHELLS } from '../../operator/cli/completion.ts';
import { NO_OUTPUT } from '../../operator/cli/output.ts';
import { buildProgram } from '../../operator/cli/program.ts';
import type { Context } from '../../operator/context.ts';
import { commandManPage } from '../command-man-page.ts';
import { executable, type Format, file, type LinuxPackage, source } from './contents.ts';

/** For operators and CI: mm, with its manual page and its completions. */
export const OPERATOR: LinuxPackage = {
  name: 'miyamoto',
  program: 'mm',
  libexec: 'usr/libexec/miyamoto-operator',
  directories: [],
  manual: { section: 1, page: (release) => commandManPage(mmCommands(), release) },
  others: async (format) => {
    const commands = mmCommands();
    return [
      file('usr/share/bash-completion/completions/mm', SHELLS.bash(commands)),
      file(`${ZSH[format]}/_mm`, SHELLS.zsh(commands)),
      executable(`${EXAMPLES}/apt-repository`, await source('examples/apt-repository')),
      file('usr/share/fish/vendor_completions.d/mm.fish', SHELLS.fish(commands)),
    ];
  },
  deb: { control: 'control-operator', scripts: [], overrides: ['lintian-overrides'] },
  rpm: { spec: 'miyamoto.spec' },
};

const EXAMPLES = 'usr/share/doc/miyamoto/examples';

const ZSH: Readonly<Record<Format, string>> = {
  deb: 'usr/share/zsh/vendor-completions',
  rpm: 'usr/share/zsh/site-functions',
};

/** No command is run here: none needs a context or an output. */
export function mmCommands(): CommandNode {
  return commandTree(buildProgram({} as Context, NO_OUTPUT));
}
