import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { pathToFileURL } from 'node:url';
import { globalSetup } from './global-setup.ts';
import { PROJECT } from './project-files.ts';
import { IS_SOAK } from './soak.ts';
import { testGroups } from './test-groups.ts';

/** All test files but those that need a machine of their own. */
const ALL = 'test/{*,!(s3|boxes|setup|report)/**/*}.test.ts';
/** What `npm run test:soak` runs: the files of which `npm test` tries a part. */
const SAMPLED = /\/(?:soak|fuzz)\.ts'/;

/**
 * `npm test [-- PATTERN...]`: runs the test files, four processes at a time. Prints what
 * `node --test` prints, and ends with 1 when a test has failed or no file has the pattern.
 */
function runTests(patterns: readonly string[]): void {
  process.chdir(PROJECT);
  const files = filesOf(patterns);
  if (files.length === 0) throw new Error(`no test file is like ${patterns.join(' ')}`);
  globalSetup();
  const directory = mkdtempSync(join(tmpdir(), 'mm-tests-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  process.once('SIGINT', () => process.exit(130));
  const entries = testGroups(files).map((group) => entryOf(group, directory));
  run({ files: entries, concurrency: 4, timeout: LIMIT_MS })
    .on('test:fail', () => {
      process.exitCode = 1;
    })
    .compose(spec)
    .pipe(process.stdout);
  if (patterns.length > 0 || IS_SOAK) return;
  const sampled = files.filter(isSampled).length;
  process.once('exit', () => {
    console.log(
      `${sampled} files tried a part of their values and steps: npm run test:soak tries all`,
    );
  });
}

function filesOf(patterns: readonly string[]): readonly string[] {
  const files = globSync(patterns.length === 0 ? ALL : patterns).sort();
  return patterns.length === 0 && IS_SOAK ? files.filter(isSampled) : files;
}

const isSampled = (file: string) => SAMPLED.test(readFileSync(file, 'utf8'));

/** A process that never ends fails, and does not stop all others. */
const LIMIT_MS = 900_000;

/** The file that a process is started with. */
function entryOf(
  { name, files }: ReturnType<typeof testGroups>[number],
  directory: string,
): string {
  const [first = '', ...more] = files.map((file) => resolve(PROJECT, file));
  if (more.length === 0) return first;
  const entry = join(directory, `${name}.test.mjs`);
  const imports = [first, ...more].map((file) => `import '${pathToFileURL(file).href}';\n`);
  writeFileSync(entry, imports.join(''));
  return entry;
}

runTests(process.argv.slice(2));
