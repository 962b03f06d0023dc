import { rmSync } from 'node:fs';
import * as z from 'zod';
import { EnvironmentName, Instant, Sha256 } from '../../bucket/documents/names.ts';
import { writeFileAtomicSync } from '../../shared/atomic-file.ts';
import { orUndefined } from '../../shared/files.ts';
import { readForeignFile } from '../../shared/foreign-file.ts';
import { parseJson } from '../../shared/json.ts';
import { hasEnded, type Pin } from '../core/when/pin.ts';
import type { HostPaths } from '../paths.ts';
import type { Ports } from '../ports.ts';

const PinFile = z.object({
  environment: EnvironmentName.nullable(),
  release: z.object({ sha256: Sha256, version: z.string().max(64) }).nullable(),
  until: Instant,
  reason: z.string().max(500).nullable(),
  by: z.string().max(200).nullable(),
});

const MAX_BYTES = 4096;

/**
 * Returns the pin of this host. A pin that has ended is removed. An unreadable pin does not count:
 * the host then follows its configuration.
 */
export function readPin(
  { pinFile }: Pick<HostPaths, 'pinFile'>,
  { clock, log }: Pick<Ports, 'clock' | 'log'>,
): Pin | undefined {
  const file = readForeignFile(pinFile, MAX_BYTES);
  if (file.kind === 'missing') return undefined;
  const pin = file.kind === 'read' ? PinFile.safeParse(parseJson(file.bytes)).data : undefined;
  if (pin === undefined) {
    log.warn('pin.unreadable', { path: pinFile, next: 'mm-agent unpin' });
    return undefined;
  }
  if (!hasEnded(pin, clock.now())) return pin;
  // On a read-only disk the file stays, but it no longer counts.
  orUndefined(() => rmSync(pinFile, { force: true }));
  log.info('pin.ended', { ...named(pin), until: pin.until });
  return undefined;
}

/** Stores the pin; null removes it. */
export function writePin({ pinFile }: Pick<HostPaths, 'pinFile'>, pin: Pin | null): void {
  if (pin === null) rmSync(pinFile, { recursive: true, force: true });
  else writeFileAtomicSync(pinFile, `${JSON.stringify(pin)}\n`, { mode: 0o600 });
}

function named({ environment, release }: Pin): object {
  return environment === null ? { version: release?.version } : { environment };
}
