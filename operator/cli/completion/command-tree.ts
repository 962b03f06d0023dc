import type { Argument, Command, Option } from 'commander';

/** The commands and options of a program, for manual page and completion. */
export interface CommandNode {
  /** `mm key new`. */
  readonly path: string;
  readonly description: string;
  readonly operands: readonly Value[];
  readonly options: readonly OptionNode[];
  readonly commands: readonly CommandNode[];
}

export interface OptionNode {
  /** `-h`, `--help`. */
  readonly names: readonly string[];
  readonly description: string;
  /** Undefined for a switch. */
  readonly value: Value | undefined;
}

export interface Value {
  /** As the help shows it: `<file>`, `[environment]`, `<name=ref...>`. */
  readonly shown: string;
  readonly kind: 'file' | 'directory' | 'environment' | 'other';
  /** The allowed values; empty when every value is allowed. */
  readonly choices: readonly string[];
}

/** Read from the program itself, so that no second list of commands exists. */
export function commandTree(command: Command, parent?: string): CommandNode {
  const path = parent === undefined ? command.name() : `${parent} ${command.name()}`;
  const help = command.createHelp();
  return {
    path,
    description: help.subcommandDescription(command) || help.commandDescription(command),
    operands: command.registeredArguments.map((argument) => operand(argument)),
    options: help.visibleOptions(command).map((option) => optionNode(option)),
    commands: command.commands.map((child) => commandTree(child, path)),
  };
}

/** The command and all commands below it. */
export function flatten(node: CommandNode): CommandNode[] {
  return [node, ...node.commands.flatMap(flatten)];
}

function operand(argument: Argument): Value {
  const name = argument.variadic ? `${argument.name()}...` : argument.name();
  return value(argument.required ? `<${name}>` : `[${name}]`, argument.argChoices);
}

function optionNode(option: Option): OptionNode {
  const names = [option.short, option.long].filter((name) => name !== undefined);
  const shown = /[<[].*[>\]]$/.exec(option.flags)?.[0];
  return {
    names,
    description: option.description,
    value: shown === undefined ? undefined : value(shown, option.argChoices),
  };
}

const KINDS: Readonly<Record<string, Value['kind']>> = {
  file: 'file',
  proposal: 'file',
  dir: 'directory',
  environment: 'environment',
  from: 'environment',
  to: 'environment',
  before: 'environment',
  after: 'environment',
};

function value(shown: string, choices: readonly string[] | undefined): Value {
  const name = shown.replaceAll(/[<>[\].]/g, '');
  return { shown, kind: KINDS[name] ?? 'other', choices: choices ?? [] };
}
