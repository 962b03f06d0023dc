import { readFileSync, rmSync } from 'node:fs';
import * as z from 'zod/mini';
import { writeFileAtomicSync } from '../../shared/atomic-file.ts';
import type { HostPaths } from '../paths.ts';
import type { Ports } from '../ports.ts';

/** The file that keeps an agent from running: why, by whom, and until when. People may read and remove it. */
export const Disabled = z.object({
  reason: z.string().check(z.maxLength(500)),
  by: z.nullable(z.string().check(z.maxLength(200))),
  until: z.nullable(z.iso.datetime()),
});
export type Disabled = z.infer<typeof Disabled>;

/**
 * Whether runs are disabled on this host. An expired file is removed. A file that cannot be understood disables:
 * somebody wanted the agent to stand still.
 */
export function readDisabled(
  paths: Pick<HostPaths, 'disabledFile' | 'puppetDisabledFiles'>,
  { clock, log }: Pick<Ports, 'clock' | 'log'>,
): Disabled | null {
  const ours = readOurs(paths.disabledFile);
  if (ours !== undefined) {
    if (ours.until === null || Date.parse(ours.until) > clock.now()) return ours;
    rmSync(paths.disabledFile, { force: true });
    log.info('agent.enabled', { why: 'the time of the disable is over', until: ours.until });
  }
  for (const path of paths.puppetDisabledFiles) {
    const text = readIfThere(path);
    if (text !== undefined) return { reason: puppetsReason(text), by: 'puppet', until: null };
  }
  return null;
}

export function writeDisabled(path: string, disabled: Disabled): void {
  writeFileAtomicSync(path, `${JSON.stringify(disabled)}\n`);
}

function readOurs(path: string): Disabled | undefined {
  const text = readIfThere(path);
  if (text === undefined) return undefined;
  const parsed = Disabled.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  return { reason: `${path} is there, though it gives no reason`, by: null, until: null };
}

function puppetsReason(text: string): string {
  const parsed = z.object({ disabled_message: z.string() }).safeParse(parseJson(text));
  return parsed.success ? parsed.data.disabled_message.slice(0, 500) : 'puppet agent --disable';
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
