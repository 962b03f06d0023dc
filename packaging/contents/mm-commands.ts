import { type CommandNode, commandTree } from '../../operator/cli/completion/command-tree.ts';
import { NO_OUTPUT } from '../../operator/cli/output.ts';
import { buildProgram } from '../../operator/cli/program.ts';
import type { Context } from '../../operator/context.ts';

/** No command is run here: none needs a context or an output. */
export function mmCommands(): CommandNode {
  return commandTree(buildProgram({} as Context, NO_OUTPUT));
}
