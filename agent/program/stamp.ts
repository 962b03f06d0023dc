import { statSync } from 'node:fs';
import { VERSION } from './version.ts';

/**
 * What tells the code of this program from any other's, for what is kept because making it costs more than reading it:
 * each build writes the program's first file anew, with all others. Undefined when it runs from its sources, which change
 * without a build: then nothing is kept.
 */
export function programStamp(): string | undefined {
  const program = process.argv[1];
  if (program === undefined || program.endsWith('.ts')) return undefined;
  const { size, mtimeMs } = statSync(program);
  return `${VERSION} ${size} ${mtimeMs}`;
}
