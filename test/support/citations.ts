import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PROJECT, projectFiles } from './project-files.ts';

/**
 * What comments, messages, tests and documents name: a document, a file, a decision, an invariant,
 * an attack.
 */
export interface Citation {
  /** `agent/cycle.ts:31`. */
  readonly where: string;
  /** From the root. */
  readonly file: string;
  /** What is named, for example `docs/trust.md`, `0013`, `I3`, `08b`. */
  readonly name: string;
}

const TEXT = /\.(ts|md|rb|pl|sh|yaml|service|plist|conf|pp)$|\/[\w-]+$/;
/** Texts that are not written here: the lockfile, measurements, a fixture. */
const OTHER_TEXTS = /^(package-lock\.json|docs\/performance-|test\/fixtures\/control-repo\/)/;

/** Every place where `pattern` matches. The name is its first group, or the whole match. */
export function citations(pattern: RegExp): Citation[] {
  return projectFiles()
    .filter((file) => TEXT.test(`/${file}`) && !OTHER_TEXTS.test(file))
    .flatMap((file) =>
      readFileSync(join(PROJECT, file), 'utf8')
        .split('\n')
        .flatMap((line, index) =>
          [...line.matchAll(pattern)].map(([all, name = all]) => ({
            where: `${file}:${index + 1}`,
            file,
            name,
          })),
        ),
    );
}

/**
 * A document may be named from the root, from where it is named, or by its name in docs/ or
 * docs/adr/.
 */
export function isDocument({ file, name }: Citation): boolean {
  return ['', dirname(file), 'docs', 'docs/adr'].some((folder) =>
    existsSync(join(PROJECT, folder, name)),
  );
}

export function isFile({ name }: Citation): boolean {
  return existsSync(join(PROJECT, name));
}

/** The rows of the tables in docs/trust.md whose first cell matches, by that cell. */
export function trustRows(first: RegExp): ReadonlyMap<string, readonly string[]> {
  const text = readFileSync(join(PROJECT, 'docs/trust.md'), 'utf8');
  const rows = [...text.matchAll(/^\| (.+) \|$/gm)].map(([, row = '']) => row.split(' | '));
  return new Map(rows.filter(([id = '']) => first.test(id)).map((row) => [row[0] ?? '', row]));
}
