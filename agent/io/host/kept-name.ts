import { rmSync } from 'node:fs';
import { writeFileAtomicSync } from '../../../shared/atomic-file.ts';
import { orUndefined } from '../../../shared/files.ts';
import { ownText } from '../../../shared/foreign-file.ts';
import { isJsonObject } from '../../../shared/json.ts';
import type { KeptName } from '../../core/certname.ts';
import type { HostPaths } from '../../paths.ts';

/** Undefined when nothing is kept, or it cannot be read: the name is then looked up again. */
export function readKeptName(path: string): KeptName | undefined {
  return orUndefined(() => keptName(JSON.parse(ownText(path) ?? '')));
}

/**
 * Without zod: the daemon's start reads the settings, and must not load a schema for two fields.
 */
function keptName(value: unknown): KeptName | undefined {
  if (!isJsonObject(value)) return undefined;
  const { certname, machine } = value;
  if (typeof certname !== 'string') return undefined;
  return typeof machine === 'string' || machine === null ? { certname, machine } : undefined;
}

/** Throws the errors of the disk. */
export function writeKeptName(path: string, name: KeptName): void {
  writeFileAtomicSync(path, `${JSON.stringify(name)}\n`, { mode: 0o600 });
}

/**
 * Removes the parts of the state that belong to another machine. The trusted metadata stays: it is
 * the rollback floor. The releases stay as well, because they are verified again or active by their
 * link.
 */
export function forgetOtherMachine(
  paths: Pick<HostPaths, 'keptName' | 'stateFile' | 'facts'>,
): void {
  for (const path of [paths.stateFile, paths.facts, paths.keptName])
    rmSync(path, { recursive: true, force: true });
}
