import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Condition } from '../../core/when/deferral.ts';

/** Programs of macOS, by absolute path. */
export interface MacPrograms {
  readonly pmset: string;
  readonly route: string;
  readonly ifconfig: string;
}

const PROGRAMS: MacPrograms = {
  pmset: '/usr/bin/pmset',
  route: '/sbin/route',
  ifconfig: '/sbin/ifconfig',
};

/**
 * Returns the first of these conditions that holds on this Mac, or undefined. On other systems none
 * holds. A program that fails or hangs never defers a run.
 */
export async function findCondition(
  conditions: readonly Condition[],
  programs: MacPrograms | undefined = process.platform === 'darwin' ? PROGRAMS : undefined,
): Promise<Condition | undefined> {
  if (programs === undefined) return undefined;
  for (const condition of conditions) {
    if (await HOLDS[condition](programs)) return condition;
  }
  return undefined;
}

const HOLDS: Readonly<Record<Condition, (programs: MacPrograms) => Promise<boolean>>> = {
  async battery({ pmset }) {
    // `Now drawing from 'Battery Power'`; a Mac without a battery has 'AC Power'.
    return /^Now drawing from 'Battery Power'/m.test(await outputOf(pmset, '-g', 'batt'));
  },
  async metered({ route, ifconfig }) {
    const found = /^\s*interface: (\w+)$/m.exec(await outputOf(route, '-n', 'get', 'default'));
    if (found?.[1] === undefined) return false;
    // EXPENSIVE: an iPhone's hotspot. CONSTRAINED: Low Data Mode.
    return /<[^>]*\b(EXPENSIVE|CONSTRAINED)\b[^>]*>/.test(await outputOf(ifconfig, '-v', found[1]));
  },
};

const LIMIT_MS = 5000;

/** Empty when the program fails. */
async function outputOf(path: string, ...argv: readonly string[]): Promise<string> {
  try {
    const options = { timeout: LIMIT_MS, killSignal: 'SIGKILL' as const, env: { LANG: 'C' } };
    return (await promisify(execFile)(path, argv, options)).stdout;
  } catch {
    return '';
  }
}
