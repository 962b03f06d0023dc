import { HELP } from '../../agent/help.ts';
import { OPTIONS_OF } from '../../agent/ineffective-options.ts';
import { COMMANDS, OPTIONS } from '../../agent/options.ts';
import type { CommandNode, OptionNode, Value } from '../../operator/cli/completion/command-tree.ts';

const EVERYWHERE = ['json', 'root', 'debug', 'help'];
const WITHOUT_COMMAND = ['once', 'converge'].flatMap((command) => OPTIONS_OF[command] ?? []);

/** The commands of mm-agent with the options that have an effect, for its completions. */
export function agentCommands(): CommandNode {
  const node = (path: string, options: readonly string[]): CommandNode => ({
    path,
    description: describedAs(path),
    operands: [],
    options: [...new Set([...options, ...EVERYWHERE])].map(optionNode),
    commands: [],
  });
  return {
    ...node('mm-agent', [...WITHOUT_COMMAND, 'version']),
    commands: COMMANDS.map((command) => node(`mm-agent ${command}`, OPTIONS_OF[command] ?? [])),
  };
}

/** Only the options that take a path; of the others nothing is known here. */
const KINDS: Readonly<Record<string, Value['kind']>> = {
  root: 'directory',
  sentinel: 'file',
  bundle: 'file',
};

function optionNode(name: string): OptionNode {
  const option: { readonly type: string; readonly short?: string } =
    OPTIONS[name as keyof typeof OPTIONS];
  const value: Value = { shown: `<${name}>`, kind: KINDS[name] ?? 'other', choices: [] };
  return {
    names: [...(option.short === undefined ? [] : [`-${option.short}`]), `--${name}`],
    description: describedAs(`--${name}`),
    value: option.type === 'string' ? value : undefined,
  };
}

/** What the help says beside it; empty when it says nothing. */
function describedAs(words: string): string {
  const line = HELP.split('\n').find((each) => new RegExp(`^ *${words}(?![\\w-])`).test(each));
  return /\S {2,}(\S.*)$/.exec(line ?? '')?.[1] ?? '';
}
