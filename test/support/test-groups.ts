import { readFileSync } from 'node:fs';

/**
 * Folders whose files share processes. A process and its imports cost 0.2 to 0.8 s of CPU, and a
 * tree that each file would initialize is initialized once.
 */
const SHARED = /^test\/(?:agent\/(?:config|core)|bucket\/documents|operator|shared|trust)\//;

/**
 * What a file may do to its process: hooks of all tests, the environment, the clock, the umask.
 * Such a file has a process of its own.
 */
const CHANGES_PROCESS =
  /^(?:before|after)(?:Each)?\(|process\.env\[[^\]]+\] =|process\.umask|withEnvironment|timers|(?:profiles|bucket-lab|fake-kms)\.ts/m;

/** Processes of about the same length keep both cores busy until the end. */
const MAX_FILES = 10;

/** Files whose tests run in one process, one after the other. */
export interface TestGroup {
  readonly name: string;
  /** As they were given. */
  readonly files: readonly string[];
}

/**
 * Deals test files into processes. The large groups come first, so that short files fill the end.
 *
 * @param files paths, relative to the working directory, which is that of the project
 */
export function testGroups(files: readonly string[]): readonly TestGroup[] {
  const isShared = (file: string) =>
    SHARED.test(file) && !CHANGES_PROCESS.test(readFileSync(file, 'utf8'));
  const parts = Map.groupBy(files.filter(isShared), (file) => file.split('/')[1] ?? '');
  const shared = [...parts].flatMap(([part, members]) => {
    const count = Math.ceil(members.length / MAX_FILES);
    // In turn, because neighbours are alike: otherwise one group would have all that are slow.
    return Array.from({ length: count }, (_, group) => ({
      name: `${part}-${group + 1}`,
      files: members.filter((_, index) => index % count === group),
    }));
  });
  const alone = files.filter((file) => !isShared(file));
  return [...shared.sort(bySize), ...alone.map((file) => ({ name: file, files: [file] }))];
}

const bySize = (a: TestGroup, b: TestGroup) => b.files.length - a.files.length;
