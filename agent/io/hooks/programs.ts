import { accessSync, constants, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { orUndefined } from '../../../shared/files.ts';
import { isHookName } from '../../core/hooks/stages.ts';

/** The names in the directory of hooks; empty when it does not exist or cannot be read. */
export function stagesIn(directory: string): ReadonlySet<string> {
  return new Set(orUndefined(() => readdirSync(directory)));
}

/**
 * The names of the programs in a directory, sorted by their bytes. As run-parts(8), it ignores
 * directories, files that may not be executed, and names with other characters than letters,
 * digits, `_` and `-`. Throws when the directory cannot be read.
 */
export function programsIn(directory: string): readonly string[] {
  const names = readdirSync(directory).filter(isHookName);
  return names.filter((name) => isProgram(join(directory, name))).sort();
}

function isProgram(path: string): boolean {
  const found = orUndefined(() => {
    accessSync(path, constants.X_OK);
    return statSync(path);
  });
  return found?.isFile() === true;
}
