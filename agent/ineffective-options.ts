import { CodedError } from '../shared/coded-error.ts';

/** As parsed: undefined for an option that was not given. */
type Values = Readonly<Record<string, unknown>>;

const CATALOG_OPTIONS = ['tags', 'skip_tags', 'environment'];
const ONLY_ONE_CYCLE_OPTIONS = ['noop', 'ignore-window', 'tags', 'skip_tags', 'detailed-exitcodes'];
const CYCLE_OPTIONS = [...ONLY_ONE_CYCLE_OPTIONS, 'environment', 'once', 'test'];
const CONVERGE_LIMITS = ['tries', 'deadline', 'sentinel'];
const CONVERGE_OPTIONS = ['until-converged', ...CONVERGE_LIMITS];
const COMMON_OPTIONS = ['json', 'root', 'debug', 'trigger', 'service', 'daemon-input'];

/** The options of each command besides the common ones. A command without any is not listed. */
export const OPTIONS_OF: Readonly<Record<string, readonly string[]>> = {
  daemon: ['environment'],
  once: CYCLE_OPTIONS,
  converge: [...CYCLE_OPTIONS, ...CONVERGE_OPTIONS],
  run: ['noop'],
  diff: [...CATALOG_OPTIONS, 'detailed-exitcodes'],
  doctor: ['bundle', 'other-tree', 'environment'],
  pin: ['for', 'until', 'reason'],
  disable: ['disable', 'for', 'until', 'reason'],
  enable: ['enable'],
};

/** Commands that accept no operands. The others check their operands themselves. */
const WITHOUT_OPERANDS: readonly string[] = ['status', 'why', 'history', 'run', 'diff', 'enable'];
/** Commands that people do not type, or that end before an option could matter. */
const UNCHECKED: readonly string[] = ['settings', 'apply', 'help', 'version'];

/**
 * Refuses options that would have no effect: with `mm-agent run --tags ntp`, for example, the
 * daemon would apply the whole catalog. Throws USAGE.
 */
export function refuseIneffective(
  command: string,
  values: Values,
  operands: readonly string[],
): void {
  if (UNCHECKED.includes(command)) return;
  if (command === 'daemon') refuseForOneCycle(values);
  refuseForConverge(command, values);
  const known = new Set([...COMMON_OPTIONS, ...(OPTIONS_OF[command] ?? [])]);
  const given = Object.keys(values).find((name) => !known.has(name));
  const next = 'mm-agent --help';
  if (given !== undefined) {
    throw new CodedError(`--${given} has no effect with ${command}`, { code: 'USAGE', next });
  }
  const [operand] = operands;
  if (operand === undefined || !WITHOUT_OPERANDS.includes(command)) return;
  const found = JSON.stringify(operand);
  throw new CodedError(`${command} has no arguments, found ${found}`, { code: 'USAGE', next });
}

/** Without this, a forgotten --once would start a daemon that applies everything for real. */
function refuseForOneCycle(values: Values): void {
  const given = [...ONLY_ONE_CYCLE_OPTIONS, ...CONVERGE_OPTIONS].find(
    (name) => values[name] !== undefined,
  );
  if (given === undefined) return;
  throw new CodedError(`--${given} is an option of --once; without --once a daemon would start`, {
    code: 'USAGE',
    next: CONVERGE_OPTIONS.includes(given)
      ? 'mm-agent --once --until-converged'
      : 'mm-agent --once --noop',
  });
}

function refuseForConverge(command: string, values: Values): void {
  const next = 'mm-agent --once --until-converged';
  if (command !== 'converge') {
    const given = CONVERGE_LIMITS.find((name) => values[name] !== undefined);
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
