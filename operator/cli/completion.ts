import { Argument, type Command, Option } from 'commander';
import { findConfig } from '../config.ts';
import type { Context } from '../context.ts';
import { bashCompletion } from './completion/bash.ts';
import { type CommandNode, commandTree } from './completion/command-tree.ts';
import { fishCompletion } from './completion/fish.ts';
import { zshCompletion } from './completion/zsh.ts';
import type { Output } from './output.ts';

export const SHELLS = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
} as const satisfies Record<string, (tree: CommandNode) => string>;
type Shell = keyof typeof SHELLS;

interface CompletionOptions {
  readonly json?: boolean | undefined;
  readonly environments?: boolean | undefined;
}

/** `mm completion <shell>`: prints a script that is made from the commands of `program`. */
export function addCompletion(program: Command, context: Context, output: Output): void {
  program
    .command('completion')
    .description('print the script that completes commands of mm in a shell')
    .addArgument(new Argument('<shell>', 'the shell').choices(Object.keys(SHELLS)))
    .option('--json', 'print the answer as one JSON document')
    .addOption(new Option('--environments', 'for the scripts: the names to offer').hideHelp())
    .action(async (shell: Shell, { json, environments = false }: CompletionOptions) => {
      if (environments) {
        const names = await environmentNames(context);
        const document = { schemaVersion: 1, environments: names };
        return output.answer({ document, lines: names }, { json });
      }
      const script = SHELLS[shell](commandTree(program));
      const document = { schemaVersion: 1, shell, script };
      return output.answer({ document, lines: script.trimEnd().split('\n') }, { json });
    });
}

/**
 * Returns the environments of the nearest miyamoto.yaml. It sends no request, because a person
 * waits for the completion.
 */
async function environmentNames({ cwd, home }: Context): Promise<string[]> {
  const found = await findConfig({ cwd, home });
  const trees = Object.values(found?.config.trees ?? {});
  return [...new Set(trees.flatMap(({ environments }) => Object.keys(environments)))].sort();
}
