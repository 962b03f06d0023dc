import { Argument, type Command } from 'commander';
import type { Output } from '../output.ts';
import { bashCompletion } from './bash.ts';
import { type CommandNode, commandTree } from './command-tree.ts';
import { fishCompletion } from './fish.ts';
import { zshCompletion } from './zsh.ts';

export const SHELLS = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
} as const satisfies Record<string, (tree: CommandNode) => string>;
type Shell = keyof typeof SHELLS;

/** `mm completion <shell>`: prints a script that is made from the commands of `program`. */
export function addCompletion(program: Command, output: Output): void {
  program
    .command('completion')
    .description('print the script that completes commands of mm in a shell')
    .addArgument(new Argument('<shell>', 'the shell').choices(Object.keys(SHELLS)))
    .action((shell: Shell) => output.out(SHELLS[shell](commandTree(program))));
}
