import { readFileSync, rmSync } from 'node:fs';
import * as z from 'zod';
import { writeFileAtomicSync } from '../../../shared/atomic-file.ts';
import { orUndefined } from '../../../shared/files.ts';
import type { KeptName } from '../../core/certname.ts';
import type { HostPaths } from '../../paths.ts';

const File = z.object({ certname: z.string(), machine: z.string().nullable() });

/** Undefined when nothing is kept, or it cannot be read: the name is then looked up again. */
export function readKeptName(path: string): KeptName | undefined {
  return orUndefined(() => File.parse(JSON.parse(readFileSync(path, 'utf8'))));
}

/** Throws the errors of the disk. */
export function writeKeptName(path: string, name: KeptName): void {
  writeFileAtomicSync(path, `${JSON.stringify(name)}\n`, { mode: 0o600 });
}

/**
 * Removes what the state says about another machine. The trusted metadata stays: it is the rollback
 * floor. The releases stay as well, because they are verified again or active by their link.
 */
export function forgetOtherMachine(
  paths: Pick<HostPaths, 'keptName' | 'stateFile' | 'facts'>,
): void {
  for (const path of [paths.stateFile, paths.facts, paths.keptName]) rmSync(path, { force: true });
}
