import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * The tests that must fail, by their names in the suite, with the reason. Throws on a line without
 * a reason.
 */
export async function readExpectedFailures(): Promise<ReadonlyMap<string, string>> {
  const file = join(import.meta.dirname, 'expected-failures.txt');
  const failures = new Map<string, string>();
  for (const line of (await readFile(file, 'utf8')).split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const { name, reason } = /^(?<name>test_[^:]+): (?<reason>\S.+)$/.exec(line)?.groups ?? {};
    if (name === undefined || reason === undefined || failures.has(name)) {
      throw new Error(`${file}: wanted "name: reason", each name once, got "${line}"`);
    }
    failures.set(name, reason);
  }
  return failures;
}
