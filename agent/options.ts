import { parseArgs } from 'node:util';
import { CodedError } from '../shared/coded-error.ts';
import { didYouMean, nearest } from '../shared/suggestion.ts';
import type { Trigger } from './core/decide.ts';
import { refuseIneffective } from './ineffective-options.ts';

/** What the daemon and `mm apply` pass to the processes that they start. Not in the help text. */
const CHILD_OPTIONS = {
  trigger: { type: 'string' },
  service: { type: 'boolean' },
  'daemon-input': { type: 'boolean' },
  settings: { type: 'boolean' },
  apply: { type: 'string' },
} as const;

/** The command line of mm-agent. Names and habits are Puppet's where Puppet has them. */
export const OPTIONS = {
  once: { type: 'boolean' },
  /** As `puppet agent --test`. */
  test: { type: 'boolean', short: 't' },
  noop: { type: 'boolean' },
  'ignore-window': { type: 'boolean' },
  'until-converged': { type: 'boolean' },
  tries: { type: 'string' },
  deadline: { type: 'string' },
  sentinel: { type: 'string' },
  tags: { type: 'string' },
  skip_tags: { type: 'string' },
  environment: { type: 'string' },
  'detailed-exitcodes': { type: 'boolean' },
  debug: { type: 'boolean' },
  json: { type: 'boolean' },
  root: { type: 'string' },
  until: { type: 'string' },
  /** The same as `until`. */
  for: { type: 'string' },
  reason: { type: 'string' },
  bundle: { type: 'string' },
  'other-tree': { type: 'string' },
  /** As `puppet agent --disable` and `--enable`. */
  disable: { type: 'boolean' },
  enable: { type: 'boolean' },
  version: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  ...CHILD_OPTIONS,
} as const;

export interface Options {
  readonly command:
    | 'daemon'
    | 'once'
    | 'converge'
    | 'status'
    | 'why'
    | 'doctor'
    | 'run'
    | 'diff'
    | 'pin'
    | 'unpin'
    | 'history'
    | 'log'
    | 'facts'
    | 'binary'
    | 'disable'
    | 'enable'
    | 'reset-clock'
    | 'settings'
    | 'apply'
    | 'help'
    | 'version';
  /** As the user typed it. */
  readonly argv: readonly string[];
  /** The arguments after the command that are not options. */
  readonly operands: readonly string[];
  readonly noop: boolean | undefined;
  readonly ignoreWindow: boolean;
  readonly tags: readonly string[];
  readonly skipTags: readonly string[];
  readonly environment: string | undefined;
  readonly detailedExitCodes: boolean;
  readonly debug: boolean;
  readonly json: boolean;
  readonly root: string;
  /** The duration of `pin` and `disable`, as typed. */
  readonly until: string | undefined;
  readonly reason: string | undefined;
  /** Of `doctor`: the archive to write, and a second tree of the bucket. */
  readonly bundle: string | undefined;
  readonly otherTree: string | undefined;
  /** Show what changes inside of files, as `puppet agent --test` does. */
  readonly showDiff: boolean;
  /** Of --until-converged, as typed. */
  readonly tries: string | undefined;
  readonly deadline: string | undefined;
  readonly sentinel: string | undefined;
  /** Why the daemon starts this cycle; undefined when a person does. */
  readonly trigger: Trigger | undefined;
  /** The daemon runs under systemd or launchd. */
  readonly service: boolean;
  /** The daemon writes the configuration, and timestamp.json if its poll read it, to stdin. */
  readonly daemonInput: boolean;
  /** With `apply`: the directory that `mm apply` made. */
  readonly directory: string | undefined;
}

/** The options of this process that a cycle or a settings process which it starts also needs. */
export function childOptions({ root, environment, debug, json }: Options): string[] {
  return [
    `--root=${root}`,
    ...(environment === undefined ? [] : [`--environment=${environment}`]),
    ...(debug ? ['--debug'] : []),
    ...(json ? ['--json'] : []),
  ];
}

/** The commands that people type. */
export const COMMANDS = [
  ...(['status', 'why', 'history', 'log', 'facts', 'doctor', 'binary'] as const),
  ...(['run', 'diff', 'pin', 'unpin', 'disable', 'enable', 'reset-clock'] as const),
] as const;

/** Throws USAGE for an unknown option or command, with the nearest known one. */
export function parseOptions(argv: readonly string[]): Options {
  const { values, positionals } = parse(argv);
  const { command, operands } = commandOf(values, positionals);
  const isTest = values.test ?? false;
  refuseIneffective(command, values, operands);
  return {
    command,
    argv,
    operands,
    noop: values.noop,
    ignoreWindow: values['ignore-window'] ?? false,
    tags: list('tags', values.tags),
    skipTags: list('skip_tags', values.skip_tags),
    environment: values.environment,
    detailedExitCodes: values['detailed-exitcodes'] ?? isTest,
    showDiff: isTest,
    debug: values.debug ?? false,
    json: values.json ?? false,
    root: values.root ?? '/',
    until: values.until ?? values.for,
    reason: values.reason,
    bundle: values.bundle,
    otherTree: values['other-tree'],
    tries: values.tries,
    deadline: values.deadline,
    sentinel: values.sentinel,
    trigger: triggerOf(values.trigger),
    service: values.service ?? false,
    daemonInput: values['daemon-input'] ?? false,
    directory: values.apply,
  };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: OPTIONS,
      allowPositionals: true,
      allowNegative: true,
      strict: true,
    });
  } catch (cause) {
    const given = argv.find((word) => word.startsWith('--') && !isKnown(word));
    const close = given && nearest(nameOf(given), Object.keys(OPTIONS));
    const hint = close === undefined ? '' : `; did you mean --${close}?`;
    const what = given === undefined ? (cause as Error).message : `unknown option ${given}${hint}`;
    throw new CodedError(what, { code: 'USAGE', cause, next: 'mm-agent --help' });
  }
}

interface CommandLine {
  readonly command: Options['command'];
  readonly operands: readonly string[];
}

function commandOf(
  values: {
    version?: boolean;
    help?: boolean;
    once?: boolean;
    test?: boolean;
    settings?: boolean;
    'until-converged'?: boolean;
    apply?: string;
    disable?: boolean;
    enable?: boolean;
  },
  typed: readonly string[],
): CommandLine {
  const option = optionCommand(values);
  if (option !== undefined) return { command: option, operands: typed };
  const [word, ...operands] = typed;
  if (word === undefined) {
    if (!values.once && !values.test) return { command: 'daemon', operands };
    return { command: values['until-converged'] ? 'converge' : 'once', operands };
  }
  const command = COMMANDS.find((known) => known === word);
  if (command !== undefined) return { command, operands };
  throw new CodedError(`unknown command ${word}${didYouMean(word, COMMANDS)}`, {
    code: 'USAGE',
    next: 'mm-agent --help',
  });
}

/** The command that an option stands for, such as `--version`. */
function optionCommand(values: Parameters<typeof commandOf>[0]): Options['command'] | undefined {
  if (values.help) return 'help';
  if (values.version) return 'version';
  if (values.settings) return 'settings';
  if (values.apply !== undefined) return 'apply';
  if (values.disable) return 'disable';
  return values.enable ? 'enable' : undefined;
}

function isKnown(option: string): boolean {
  return Object.hasOwn(OPTIONS, nameOf(option));
}

function nameOf(option: string): string {
  return option.replace(/^--(no-)?/, '').replace(/=.*$/s, '');
}

/** Without a name it would have no effect: `--tags "$TAGS"` would apply everything. */
function list(option: string, value: string | undefined): string[] {
  if (value === undefined) return [];
  const items = value.split(',').filter((item) => item.trim() !== '');
  if (items.length > 0) return items;
  throw new CodedError(
    `--${option}: wanted names such as ntp,ssh, found ${JSON.stringify(value)}`,
    {
      code: 'USAGE',
      next: `mm-agent --once --noop --${option} ntp,ssh`,
    },
  );
}

const TRIGGERS: readonly Trigger[] = ['asked', 'poll', 'apply', 'start'];

function triggerOf(value: string | undefined): Options['trigger'] {
  return TRIGGERS.find((trigger) => trigger === value);
}
