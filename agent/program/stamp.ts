import { statSync } from 'node:fs';
import { VERSION } from './version.ts';

/**
 * Returns a text that identifies the code of this program, for stored data that is slower to
 * compute than to read. Each build writes the first file of the program again, together with all
 * others. Returns undefined when the program runs from its sources, which change without a build.
 */
export function programStamp(): string | undefined {
  const program = process.argv[1];
  if (program === undefined || program.endsWith('.ts')) return undefined;
  const { size, mtimeMs } = statSync(program);
  return `${VERSION} ${size} ${mtimeMs}`;
}
