import { parseArgs } from 'node:util';
import { CodedError } from '../shared/coded-error.ts';
import { nearest } from '../shared/suggestion.ts';
import { DETAILED_EXIT_CODES, EXIT_CODES, exitCodesText } from './core/exit-code.ts';

/** What the daemon passes to its child processes. Not in the help text. */
const CHILD_OPTIONS = {
  trigger: { type: 'string' },
  service: { type: 'boolean' },
  'daemon-input': { type: 'boolean' },
  /**
   * The older name of `--daemon-input`: until it is restarted, an older daemon starts newer
   * children.
   */
  handed: { type: 'boolean' },
  settings: { type: 'boolean' },
} as const;

/** The command line of mm-agent. Names and habits are Puppet's where Puppet has them. */
const OPTIONS = {
  once: { type: 'boolean' },
  noop: { type: 'boolean' },
  tags: { type: 'string' },
  skip_tags: { type: 'string' },
  environment: { type: 'string' },
  'detailed-exitcodes': { type: 'boolean' },
  debug: { type: 'boolean' },
  json: { type: 'boolean' },
  root: { type: 'string' },
  until: { type: 'string' },
  version: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  ...CHILD_OPTIONS,
} as const;

export const HELP = `mm-agent: applies Puppet code from an S3 bucket and reports back

mm-agent                     run as a daemon (what systemd and launchd start)
mm-agent --once              poll, apply, report, and end with an exit code
mm-agent status              what this host last did and why, from its own disk
mm-agent facts [name...]     the facts of the last run
mm-agent disable "reason"    no runs until enabled again; the host still reports
mm-agent enable
mm-agent reset-clock         forget the time below which this host believes no clock

With --once:
  --noop                     show what would change; --no-noop overrides run.noop of agent.yaml
  --tags a,b --skip_tags c   apply only a part of the catalog
  --environment name         another environment than the one in agent.yaml, this once
  --detailed-exitcodes       ${exitCodesText(DETAILED_EXIT_CODES)}
  --debug                    debug output of Puppet and of mm-agent
Everywhere:
  --root directory           all files of the agent, and Puppet's own, below this directory
  --json                     the answer of status and facts as JSON, logs as JSON lines
  --until 2h                 with disable: enabled again after that time
  --version, --help

Exit codes of --once:
${exitCodeLines()}
`;

function exitCodeLines(): string {
  return Object.values(EXIT_CODES)
    .map(({ code, meaning }) => `  ${String(code).padEnd(3)} ${meaning}`)
    .join('\n');
}

export interface Options {
  readonly command:
    | 'daemon'
    | 'once'
    | 'status'
    | 'facts'
    | 'disable'
    | 'enable'
    | 'reset-clock'
    | 'settings'
    | 'help'
    | 'version';
  /** As they were typed. */
  readonly argv: readonly string[];
  readonly words: readonly string[];
  readonly noop: boolean | undefined;
  readonly tags: readonly string[];
  readonly skipTags: readonly string[];
  readonly environment: string | undefined;
  readonly detailedExitCodes: boolean;
  readonly debug: boolean;
  readonly json: boolean;
  readonly root: string;
  readonly until: string | undefined;
  /** Why the daemon starts this cycle; undefined when a person does. */
  readonly trigger: 'asked' | 'poll' | 'apply' | undefined;
  /** The daemon runs under systemd or launchd. */
  readonly service: boolean;
  /** The daemon writes the configuration, and timestamp.json if its poll read it, to stdin. */
  readonly daemonInput: boolean;
}

const COMMANDS = ['status', 'facts', 'disable', 'enable', 'reset-clock'] as const;

/** Throws USAGE for an unknown option or command, with the nearest known one. */
export function parseOptions(argv: readonly string[]): Options {
  const { values, positionals } = parse(argv);
  const [word, ...words] = positionals;
  const command = commandOf(values, word);
  if (command === 'daemon') refuseForOneCycle(values);
  return {
    command,
    argv,
    words,
    noop: values.noop,
    tags: list(values.tags),
    skipTags: list(values.skip_tags),
    environment: values.environment,
    detailedExitCodes: values['detailed-exitcodes'] ?? false,
    debug: values.debug ?? false,
    json: values.json ?? false,
    root: values.root ?? '/',
    until: values.until,
    trigger: triggerOf(values.trigger),
    service: values.service ?? false,
    daemonInput: values['daemon-input'] ?? values.handed ?? false,
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

const FOR_ONE_CYCLE = ['noop', 'tags', 'skip_tags', 'detailed-exitcodes'] as const;

/** Without this, a forgotten --once would start a daemon that applies everything for real. */
function refuseForOneCycle(values: Readonly<Record<string, unknown>>): void {
  const given = FOR_ONE_CYCLE.find((name) => values[name] !== undefined);
  if (given === undefined) return;
  throw new CodedError(`--${given} is an option of --once; without --once a daemon would start`, {
    code: 'USAGE',
    next: 'mm-agent --once --noop',
  });
}

function commandOf(
  values: { version?: boolean; help?: boolean; once?: boolean; settings?: boolean },
  word: string | undefined,
): Options['command'] {
  if (values.help) return 'help';
  if (values.version) return 'version';
  if (values.settings) return 'settings';
  if (word === undefined) return values.once ? 'once' : 'daemon';
  const command = COMMANDS.find((known) => known === word);
  if (command !== undefined) return command;
  const close = nearest(word, COMMANDS);
  throw new CodedError(
    `unknown command ${word}${close === undefined ? '' : `; did you mean ${close}?`}`,
    { code: 'USAGE', next: 'mm-agent --help' },
  );
}

function isKnown(option: string): boolean {
  return Object.hasOwn(OPTIONS, nameOf(option));
}

function nameOf(option: string): string {
  return option.replace(/^--(no-)?/, '').replace(/=.*$/s, '');
}

function list(value: string | undefined): string[] {
  return value === undefined ? [] : value.split(',').filter((item) => item !== '');
}

function triggerOf(value: string | undefined): Options['trigger'] {
  return value === 'asked' || value === 'poll' || value === 'apply' ? value : undefined;
}
