import { moduleDirectories } from '../../bucket/documents/environment-conf.ts';
import type { DiffAnswer } from '../diff-answer.ts';
import { moduleOf } from '../release/tree/module-path.ts';
import type { FileChange } from './file-changes.ts';
import type { Side } from './sides/side.ts';

export type ModuleChange = DiffAnswer['modules'][number];
/** A line of the bill of materials. */
type ModuleState = NonNullable<ModuleChange['before']>;

const UNKNOWN: ModuleState = { version: null, source: null, commit: null };

/** Modules that were added or removed, or whose files, version, source or commit differ. */
export function moduleChanges(
  before: Side,
  after: Side,
  files: readonly FileChange[],
): ModuleChange[] {
  const [old, young] = [modulesOf(before), modulesOf(after)];
  const directories = [...moduleDirectories(before.conf), ...moduleDirectories(after.conf)];
  const counts = new Map<string, number>();
  for (const { path } of files) {
    const name = moduleOf(path, directories)?.module;
    if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const names = [...new Set([...old.keys(), ...young.keys()])].sort();
  return names.flatMap((name) => {
    const [was = null, is = null] = [old.get(name), young.get(name)];
    const count = counts.get(name) ?? 0;
    if (count === 0 && was !== null && is !== null && isSame(was, is)) return [];
    const change = was === null ? 'added' : is === null ? 'removed' : 'changed';
    return [{ name, change, before: was, after: is, files: count } as const];
  });
}

/** All modules of the release, including those whose version is not known. */
function modulesOf({ tree, conf }: Side): Map<string, ModuleState> {
  const directories = moduleDirectories(conf);
  const modules = new Map<string, ModuleState>();
  for (const { path } of tree.entries) {
    const place = moduleOf(path, directories);
    if (place?.inside !== undefined) modules.set(place.module, UNKNOWN);
  }
  for (const { name, version, source, commit } of tree.modules ?? []) {
    modules.set(name, { version, source, commit });
  }
  return modules;
}

function isSame(a: ModuleState, b: ModuleState): boolean {
  return a.version === b.version && a.source === b.source && a.commit === b.commit;
}
