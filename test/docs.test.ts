import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ReleaseCustom, ReleaseFile } from '../bucket/documents/release.ts';
import { FactsDocument, StatusDocument } from '../bucket/documents/status.ts';
import { DISPOSITION } from '../shared/coded-error.ts';
import { schemaPaths } from './support/schema-paths.ts';
import { sampleStatus } from './support/status-sample.ts';

/** The first cell of each table row of a page, in order, table by table. */
async function tables(page: string): Promise<string[][]> {
  const text = await readFile(join(import.meta.dirname, '../docs', page), 'utf8');
  return text
    .split(/\n(?=\|)(?<!\|\n)/)
    .slice(1)
    .map((table) => [...table.matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1]!));
}

/** A map that is empty without its parts has no row of its own. */
function withoutPlainMaps(paths: readonly string[], documented: readonly string[]): string[] {
  return paths.filter(
    (path) => documented.includes(path) || !paths.some((other) => other.startsWith(`${path}.`)),
  );
}

test('docs: status.md names each field of the status and the facts document, and no other', async () => {
  const [status, facts] = await tables('status.md');
  assert.deepEqual(
    status!.toSorted(),
    withoutPlainMaps(schemaPaths(StatusDocument), status!).sort(),
  );
  assert.deepEqual(facts!.toSorted(), schemaPaths(FactsDocument).sort());
});

test('docs: the example that other tests use is a valid status of at most 2 kB', () => {
  const line = JSON.stringify(StatusDocument.parse(sampleStatus));
  assert.ok(line.length < 2048, `${line.length} bytes`);
});

test('docs: release-metadata.md names each field, and no other', async () => {
  const [custom, file] = await tables('release-metadata.md');
  assert.deepEqual(custom!.toSorted(), schemaPaths(ReleaseCustom).sort());
  assert.deepEqual(file!.toSorted(), schemaPaths(ReleaseFile).sort());
});

test('docs: errors.md says of each code what to do, and what the agent does', async () => {
  const text = await readFile(join(import.meta.dirname, '../docs/errors.md'), 'utf8');
  const rows = [...text.matchAll(/^\| `([A-Z0-9_]+)` \| (\w+) \| (.+) \|$/gm)];
  const documented = Object.fromEntries(rows.map(([, code, disposition]) => [code, disposition]));
  assert.deepEqual(documented, { ...DISPOSITION });
});
