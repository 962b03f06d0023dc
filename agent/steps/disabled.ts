import { rmSync } from 'node:fs';
import * as z from 'zod';
import { writeFileAtomicSync } from '../../shared/atomic-file.ts';
import { orUndefined } from '../../shared/files.ts';
import { readForeignFile } from '../../shared/foreign-file.ts';
import { parseJson } from '../../shared/json.ts';
import type { HostPaths } from '../paths.ts';
import type { Ports } from '../ports.ts';

/** The file that disables runs: why, by whom, and until when. A person may read and remove it. */
export const Disabled = z.object({
  reason: z.string().max(500),
  by: z.string().max(200).nullable(),
  until: z.iso.datetime().nullable(),
});
export type Disabled = z.infer<typeof Disabled>;

const MAX_BYTES = 64 * 1024;

/**
 * Returns why runs are disabled on this host, or null. An expired file is removed. Anything else at
 * one of these paths disables runs as well, because a person wanted to stop the agent. The
 * directory of Puppet's file belongs to the user puppet, who can put anything there.
 */
export function readDisabled(
  paths: Pick<HostPaths, 'disabledFile' | 'puppetDisabledFiles'>,
  { clock, log }: Pick<Ports, 'clock' | 'log'>,
): Disabled | null {
  const ours = readOurs(paths.disabledFile);
  if (ours !== undefined) {
    if (ours.until === null || Date.parse(ours.until) > clock.now()) return ours;
    // On a read-only disk the file stays, but it no longer counts.
    orUndefined(() => rmSync(paths.disabledFile, { force: true }));
    log.info('agent.enabled', {
      why: 'the time that it was disabled for has passed',
      until: ours.until,
    });
  }
  for (const path of paths.puppetDisabledFiles) {
    const reason = readPuppets(path);
    if (reason !== undefined) return { reason, by: 'puppet', until: null };
  }
  return null;
}

/** Writes the file that disables this host. */
export function writeDisabled(path: string, disabled: Disabled): void {
  writeFileAtomicSync(path, `${JSON.stringify(disabled)}\n`);
}

function readOurs(path: string): Disabled | undefined {
  const file = readForeignFile(path, MAX_BYTES);
  if (file.kind === 'missing') return undefined;
  const parsed = Disabled.safeParse(file.kind === 'read' ? parseJson(file.bytes) : undefined);
  if (parsed.success) return parsed.data;
  const why = file.kind === 'read' ? 'it gives no reason' : file.why;
  return { reason: `${path} exists, but ${why}`.slice(0, 500), by: null, until: null };
}

function readPuppets(path: string): string | undefined {
  const file = readForeignFile(path, MAX_BYTES);
  if (file.kind === 'missing') return undefined;
  if (file.kind === 'refused') return `${path} exists, but ${file.why}`.slice(0, 500);
  const parsed = z.object({ disabled_message: z.string() }).safeParse(parseJson(file.bytes));
  return parsed.success ? parsed.data.disabled_message.slice(0, 500) : 'puppet agent --disable';
}
