import { accessSync, constants, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { orUndefined } from '../../../shared/files.ts';
import { HOOK_STAGES, isHookName, isRequiredHook, MOST_HOOKS } from '../../core/hooks/stages.ts';

/** The names in the directory of hooks; undefined when it does not exist or cannot be read. */
export function stagesIn(directory: string): ReadonlySet<string> | undefined {
  const names = orUndefined(() => readdirSync(directory));
  return names && new Set(names);
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
  /** Required hooks that may not be executed, and those after the most of a directory. */
  readonly failing: readonly string[];
  /** Files that do not run, and directories with a name that is not a stage. */
  readonly ignored: readonly string[];
}

/** For a person who wonders why a hook does not run. Throws when a directory cannot be read. */
export function findHooks(directory: string): FoundHooks {
  const inside = readdirSync(directory);
  const stages = HOOK_STAGES.filter((stage) => inside.includes(stage));
  const others = inside.filter((name) => !stages.some((stage) => stage === name));
  const wrong = others.filter((name) => isDirectory(join(directory, name)));
  const found = stages.map((stage) => {
    const names = programsIn(join(directory, stage));
    const runs = (name: string, at: number): boolean =>
      at < MOST_HOOKS && isProgram(join(directory, stage, name));
    const below = (list: readonly string[]) => list.map((name) => join(stage, name));
    return {
      programs: below(names.filter(runs)),
      failing: below(names.filter((name, at) => !runs(name, at))),
      ignored: below(readdirSync(join(directory, stage)).filter((name) => !names.includes(name))),
    };
  });
  return {
    programs: found.flatMap(({ programs }) => programs),
    failing: found.flatMap(({ failing }) => failing),
    ignored: [...wrong, ...found.flatMap(({ ignored }) => ignored)],
  };
}

function isDirectory(path: string): boolean {
  return orUndefined(() => statSync(path).isDirectory()) === true;
}

/** Whether the path is a file that may be executed, or a link to one. */
export function isProgram(path: string): boolean {
  const found = orUndefined(() => {
    accessSync(path, constants.X_OK);
    return statSync(path);
  });
  return found?.isFile() === true;
}
