import { MOST_HOOKS, STAGES_OF_A_RUN } from './hooks/stages.ts';

/** The time for all phases except Puppet and hooks: download, unpack, grace periods, report. */
const MARGIN_MS = 30 * 60_000;

/** The limits of a configuration. */
export interface CycleLimits {
  readonly run: { readonly time_limit: { readonly seconds: number } };
  readonly hooks: { readonly time_limit: { readonly seconds: number } };
}

/** The longest time for a cycle of the daemon, in ms. */
export function cycleLimitMs({ run, hooks }: CycleLimits): number {
  const hookSeconds = MOST_HOOKS * STAGES_OF_A_RUN * hooks.time_limit.seconds;
  return (run.time_limit.seconds + hookSeconds) * 1000 + MARGIN_MS;
}
