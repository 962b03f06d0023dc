import { CodedError } from '../shared/coded-error.ts';

/** As parsed: undefined for an option that was not given. */
type Values = Readonly<Record<string, unknown>>;

const OF_A_CATALOG = ['tags', 'skip_tags', 'environment'];
const OF_ONE_CYCLE = ['noop', 'ignore-window', 'tags', 'skip_tags', 'detailed-exitcodes'];
const OF_A_CYCLE = [...OF_ONE_CYCLE, 'environment', 'once', 'test'];
const OF_CONVERGE = ['tries', 'deadline', 'sentinel'];
const TO_CONVERGE = ['until-converged', ...OF_CONVERGE];
const OF_ALL = ['json', 'root', 'debug', 'trigger', 'service', 'daemon-input'];

/** By command. One that is not listed has none of its own. */
export const OPTIONS_OF: Readonly<Record<string, readonly string[]>> = {
  daemon: ['environment'],
  once: OF_A_CYCLE,
  converge: [...OF_A_CYCLE, ...TO_CONVERGE],
  run: ['noop'],
  diff: [...OF_A_CATALOG, 'detailed-exitcodes'],
  doctor: ['bundle', 'other-tree', 'environment'],
  pin: ['for', 'until', 'reason'],
  disable: ['disable', 'for', 'until', 'reason'],
  enable: ['enable'],
};

/** The others check their words themselves. */
const WITHOUT_WORDS: readonly string[] = ['status', 'why', 'history', 'run', 'diff', 'enable'];
/** Not typed by people, or they end before an option could matter. */
const UNCHECKED: readonly string[] = ['settings', 'apply', 'help', 'version'];

/**
 * Refuses what would have no effect: with `mm-agent run --tags ntp` the daemon would apply
 * everything. Throws USAGE.
 */
export function refuseIneffective(command: string, values: Values, words: readonly string[]): void {
  if (UNCHECKED.includes(command)) return;
  if (command === 'daemon') refuseForOneCycle(values);
  refuseForConverge(command, values);
  const known = new Set([...OF_ALL, ...(OPTIONS_OF[command] ?? [])]);
  const given = Object.keys(values).find((name) => !known.has(name));
  const next = 'mm-agent --help';
  if (given !== undefined) {
    throw new CodedError(`--${given} has no effect with ${command}`, { code: 'USAGE', next });
  }
  const [word] = words;
  if (word === undefined || !WITHOUT_WORDS.includes(command)) return;
  const found = JSON.stringify(word);
  throw new CodedError(`${command} has no arguments, found ${found}`, { code: 'USAGE', next });
}

/** Without this, a forgotten --once would start a daemon that applies everything for real. */
function refuseForOneCycle(values: Values): void {
  const given = [...OF_ONE_CYCLE, ...TO_CONVERGE].find((name) => values[name] !== undefined);
  if (given === undefined) return;
  throw new CodedError(`--${given} is an option of --once; without --once a daemon would start`, {
    code: 'USAGE',
    next: TO_CONVERGE.includes(given)
      ? 'mm-agent --once --until-converged'
      : 'mm-agent --once --noop',
  });
}

/** An option that would have no effect is refused. */
function refuseForConverge(command: string, values: Values): void {
  const next = 'mm-agent --once --until-converged';
  if (command !== 'converge') {
    const given = OF_CONVERGE.find((name) => values[name] !== undefined);
    if (given === undefined) return;
    throw new CodedError(`--${given} is an option of --until-converged`, { code: 'USAGE', next });
  }
  const without = ['noop', 'detailed-exitcodes', 'test'].find((name) => values[name] === true);
  if (without === undefined) return;
  throw new CodedError(`--${without} and --until-converged exclude each other`, {
    code: 'USAGE',
    next,
  });
}
