import { type CommandNode, commandTree } from '../../operator/cli/completion/command-tree.ts';
import { SHELLS } from '../../operator/cli/completion/completion.ts';
import { buildProgram } from '../../operator/cli/program.ts';
import type { Context } from '../../operator/context.ts';
import { commandManPage } from '../command-man-page.ts';
import { type DebPackage, file } from './contents.ts';

/** For operators and CI: mm, with its manual page and its completions. */
export const OPERATOR: DebPackage = {
  name: 'miyamoto',
  program: 'mm',
  libexec: 'usr/libexec/miyamoto-operator',
  control: 'packaging/deb/control-operator',
  scripts: [],
  directories: [],
  manual: { section: 1, page: (release) => commandManPage(mmCommands(), release) },
  others: async () => {
    const commands = mmCommands();
    return [
      file('usr/share/bash-completion/completions/mm', SHELLS.bash(commands)),
      file('usr/share/zsh/vendor-completions/_mm', SHELLS.zsh(commands)),
      file('usr/share/fish/vendor_completions.d/mm.fish', SHELLS.fish(commands)),
    ];
  },
};

/** No command is run here: none needs a context or an output. */
function mmCommands(): CommandNode {
  const output = { answer: () => undefined, out: () => undefined, err: () => undefined };
  return commandTree(buildProgram({} as Context, output));
}
