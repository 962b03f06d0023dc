import { accessSync, constants, readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { orUndefined } from '../../../shared/files.ts';
import { HOOK_STAGES, isHookName, isRequiredHook } from '../../core/hooks/stages.ts';

/** The names in the directory of hooks; empty when it does not exist or cannot be read. */
export function stagesIn(directory: string): ReadonlySet<string> {
  return new Set(orUndefined(() => readdirSync(directory)));
}

/**
 * The names of the programs in a directory, sorted by their bytes. As run-parts(8), it ignores
 * directories, files that may not be executed, and names with other characters than letters,
 * digits, `_` and `-`. A required hook that may not be executed is not ignored: it fails, because
 * the run must not begin without it. Throws when the directory cannot be read.
 */
export function programsIn(directory: string): readonly string[] {
  const names = readdirSync(directory).filter(isHookName);
  return names.filter((name) => isRequiredHook(name) || isProgram(join(directory, name))).sort();
}

/** What is in the directory of hooks, as paths below it. */
export interface FoundHooks {
  readonly programs: readonly string[];
  /** Files that do not run, and directories with a name that is not a stage. */
  readonly ignored: readonly string[];
}

/** For a person who wonders why a hook does not run. Throws when a directory cannot be read. */
export function findHooks(directory: string): FoundHooks {
  const found = readdirSync(directory, { withFileTypes: true }).filter((at) => at.isDirectory());
  const isStage = (name: string): boolean => HOOK_STAGES.some((stage) => stage === name);
  const files = found.flatMap(({ name }) =>
    isStage(name) ? readdirSync(join(directory, name)).map((file) => join(name, file)) : [],
  );
  const runs = (path: string): boolean =>
    isHookName(basename(path)) && isProgram(join(directory, path));
  const others = found.map(({ name }) => name).filter((name) => !isStage(name));
  return {
    programs: files.filter(runs),
    ignored: [...others, ...files.filter((path) => !runs(path))],
  };
}

/** Whether the path is a file that may be executed, or a link to one. */
export function isProgram(path: string): boolean {
  const found = orUndefined(() => {
    accessSync(path, constants.X_OK);
    return statSync(path);
  });
  return found?.isFile() === true;
}
