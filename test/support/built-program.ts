import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, PROGRAMS } from '../../packaging/build.ts';
import { PROJECT, projectFiles } from './project-files.ts';

type Program = keyof typeof PROGRAMS;
/** What the bundles are made of. */
const INPUTS = /^(?:(?:agent|bucket|operator|packaging|shared|trust)\/|package(?:-lock)?\.json$)/;

const commands = new Map<Program, Promise<readonly string[]>>();

/**
 * The command of a program that is bundled from the current sources: a start costs a quarter of the
 * CPU of a start from the sources, and tests need hundreds of starts. `npm test` has built it in
 * dist/. Where that is older than a source, each test file makes its own.
 */
export function builtProgram(program: Program): Promise<readonly string[]> {
  const known = commands.get(program) ?? findOrBuild(program);
  commands.set(program, known);
  return known;
}

async function findOrBuild(program: Program): Promise<readonly string[]> {
  const dist = join(PROJECT, 'dist');
  const file = `${program}.mjs`;
  const directory = isCurrent(join(dist, file)) ? dist : await buildForThisFile(program);
  return [process.execPath, join(directory, file)];
}

function isCurrent(bundle: string): boolean {
  const built = changedAt(bundle);
  return projectFiles()
    .filter((file) => INPUTS.test(file))
    .every((file) => changedAt(join(PROJECT, file)) < built);
}

/** ms since 1970; 0 for a file that does not exist. */
function changedAt(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

async function buildForThisFile(program: Program): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'miyamoto-built-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  await build({ programs: { [program]: PROGRAMS[program] }, outputDirectory: directory });
  return directory;
}
