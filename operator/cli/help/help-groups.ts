import type { Command, Option } from 'commander';

/** The headings of `mm --help`: what a person wants to do, and the commands for it. */
export const COMMAND_GROUPS: Readonly<Record<string, readonly string[]>> = {
  'Set up:': ['init', 'bucket', 'environment', 'policy', 'config', 'completion'],
  'Publish:': ['publish', 'diff', 'binaries'],
  'Move releases:': ['promote', 'rollout', 'rollback', 'hold', 'stop', 'resume'],
  'See what is published:': ['releases', 'log', 'clean'],
  'See hosts:': ['status', 'fleet', 'forget', 'cost'],
  'New hosts:': ['package', 'bootstrap'],
  'By hand:': ['validate', 'apply', 'checkout'],
  'Keys and trust:': ['doctor', 'renew', 'key', 'root'],
};

/** For `help`, and for a command that no group names. */
const OTHERS = 'Others:';

/** The heading of the options that most commands have. They are shown after those of a command. */
export const COMMON_OPTIONS = 'Common options:';
/** The heading of the options that say where the signing keys are. */
export const KEY_OPTIONS = 'Signing keys:';
/** The heading of the options that compile catalogs. */
export const CATALOG_OPTIONS = 'Catalogs of hosts:';

/** Puts commands and options below their headings. Every command must have been added before. */
export function groupHelp(program: Command): void {
  const order = new Map(
    Object.entries(COMMAND_GROUPS).flatMap(([heading, names], index) =>
      names.map((name, place) => [name, { heading, rank: index * 100 + place }] as const),
    ),
  );
  const rank = (command: Command) => order.get(command.name())?.rank ?? Number.POSITIVE_INFINITY;
  // Commander prints the groups in the order of their first commands.
  (program.commands as Command[]).sort((a, b) => rank(a) - rank(b));
  for (const command of program.commands) {
    command.helpGroup(order.get(command.name())?.heading ?? OTHERS);
  }
  program.commandsGroup(OTHERS).helpCommand(true);
  orderOptions(program);
}

/** Commander's help does not say which options a command refuses to do without. */
export function markRequired(program: Command): void {
  program.configureHelp({
    optionDescription(option) {
      const { description, mandatory } = option;
      return mandatory ? `${description}; required` : description;
    },
  });
}

/** The options of the command itself come first, and `--noop` after the others of them. */
function orderOptions(command: Command): void {
  const last = ['--noop', CATALOG_OPTIONS, KEY_OPTIONS, COMMON_OPTIONS];
  const rank = ({ long, helpGroupHeading }: Option) => last.indexOf(helpGroupHeading ?? long ?? '');
  (command.options as Option[]).sort((a, b) => rank(a) - rank(b));
  for (const each of command.commands) orderOptions(each);
}
