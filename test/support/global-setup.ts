import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * `npm test` calls it before the first test file. The processes of the test
 * files share a compile cache: each one would strip the types of the same sources again. It ends
 * with the run, because it grows: tests also load programs from directories with random names.
 */
export function globalSetup(): void {
  if (process.env['NODE_COMPILE_CACHE'] !== undefined) return;
  const directory = mkdtempSync(join(tmpdir(), 'mm-compile-cache-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true, maxRetries: 9 }));
  process.env['NODE_COMPILE_CACHE'] = directory;
}
