import type { Command } from 'commander';

/** Options whose value may be empty. */
const MAY_BE_EMPTY: ReadonlySet<string> = new Set(['reason']);

/**
 * Refuses empty operands and option values. They usually come from unset variables of a shell, and
 * would mean something else: `--directory ""` is the current directory. `mm hold --reason ""` has
 * its own error. Throws CommanderError.
 */
export function refuseEmptyValues(program: Command): void {
  program.hook('preAction', (_, command) => {
    for (const [index, { name, variadic }] of argumentsOf(command)) {
      const given = variadic ? command.args.slice(index) : command.args.slice(index, index + 1);
      if (given.some(isEmpty)) refuse(command, `<${name}>`);
    }
    for (const [name, value] of Object.entries(command.opts<Record<string, unknown>>())) {
      const option = command.options.find((each) => each.attributeName() === name);
      if ([value].flat().some(isEmpty) && !MAY_BE_EMPTY.has(name))
        refuse(command, option?.long ?? name);
    }
  });
}

function argumentsOf({ registeredArguments }: Command) {
  return registeredArguments.map((each, index) => {
    return [index, { name: each.name(), variadic: each.variadic }] as const;
  });
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'string' && value.trim() === '';
}

function refuse(command: Command, what: string): never {
  command.error(`error: ${what}: expected a value, found an empty one`);
}
