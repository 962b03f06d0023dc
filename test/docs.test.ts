import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { ReleaseCustom, ReleaseFile } from '../bucket/documents/release.ts';
import { FactsDocument, StatusDocument } from '../bucket/documents/status.ts';
import { DISPOSITION } from '../shared/coded-error.ts';
import { INVARIANTS } from './guards/invariants.ts';
import { type Citation, citations, isDocument, isFile, trustRows } from './support/citations.ts';
import { longComments, longLines, longMarkdown } from './support/long-lines.ts';
import { projectFiles } from './support/project-files.ts';
import { schemaPaths } from './support/schema-paths.ts';
import { sampleStatus } from './support/status-sample.ts';
import { ATTACKS } from './support/tuf/simulator-attacks.ts';

/** The first cell of each row, for each table of a page. */
async function tables(page: string): Promise<string[][]> {
  const text = await readFile(join(import.meta.dirname, '../docs', page), 'utf8');
  return text
    .split(/\n(?=\|)(?<!\|\n)/)
    .slice(1)
    .map((table) => [...table.matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1]!));
}

/** Omits maps that are documented only by their parts. */
function withoutPlainMaps(paths: readonly string[], documented: readonly string[]): string[] {
  return paths.filter(
    (path) => documented.includes(path) || !paths.some((other) => other.startsWith(`${path}.`)),
  );
}

test('docs: status.md names exactly the fields of the status and the facts document', async () => {
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

test('docs: release-metadata.md names exactly the fields', async () => {
  const [custom, file] = await tables('release-metadata.md');
  assert.deepEqual(custom!.toSorted(), schemaPaths(ReleaseCustom).sort());
  assert.deepEqual(file!.toSorted(), schemaPaths(ReleaseFile).sort());
});

test('docs: errors.md says for each code what to do, and what the agent does', async () => {
  const text = await readFile(join(import.meta.dirname, '../docs/errors.md'), 'utf8');
  const rows = [...text.matchAll(/^\| `([A-Z0-9_]+)` \| (\w+) \| (.+) \|$/gm)];
  const documented = Object.fromEntries(rows.map(([, code, disposition]) => [code, disposition]));
  assert.deepEqual(documented, { ...DISPOSITION });
});

const invariants = trustRows(/^I\d+$/);
const attacks = trustRows(/^(\d\d[a-z]?|L)$/);

/** Documents of other projects: the folder that names one says where it is. */
const FOREIGN = ['CLIENT-CLI.md'];
const FOLDERS =
  'agent|bench|bucket|docs|examples|launchd|operator|packaging|shared|systemd|test|trust';

const NAMED: Readonly<
  Record<string, { pattern: RegExp; exists: (citation: Citation) => boolean; hint: string }>
> = {
  'a document': {
    pattern: /(?<![\w./-])[\w./-]*\w\.md\b/g,
    exists: (citation) => isDocument(citation) || FOREIGN.includes(citation.name),
    hint: 'name a document that is in the repository',
  },
  'a file': {
    pattern: new RegExp(String.raw`(?<![\w./$-])(?:${FOLDERS})/[\w./-]*\w\.[a-z]+\b`, 'g'),
    exists: isFile,
    hint: 'it was moved or removed: name a file that exists',
  },
  'a decision': {
    pattern: /\b(?:ADR |adr\/)(\d{4})\b/g,
    exists: ({ name }) => projectFiles().some((file) => file.startsWith(`docs/adr/${name}-`)),
    hint: 'docs/adr/README.md lists them',
  },
  'an invariant': {
    pattern: /\bI\d+\b/g,
    exists: ({ name }) => invariants.has(name),
    hint: 'docs/trust.md lists them',
  },
  'an attack': {
    pattern: /\battacks? (\d\d[a-z]?|L)\b/g,
    exists: ({ name }) =>
      attacks.has(name) || attacks.get(name.slice(0, 2))?.[1]?.includes(name) === true,
    hint: 'docs/trust.md lists them',
  },
};

for (const [what, { pattern, exists, hint }] of Object.entries(NAMED)) {
  test(`docs: ${what} that is named in sources, tests, scripts or documents exists`, () => {
    const found = citations(pattern);
    assert.ok(found.length > 0, 'nothing of the kind is named: the pattern is out of date');
    const missing = found.filter((citation) => !exists(citation));
    assert.deepEqual(
      missing.map(({ where, name }) => `${where}: ${name}: ${hint}`),
      [],
    );
  });
}

test('docs: trust.md has each invariant with the text of the guards, and tests that are named after it', async () => {
  const texts = Object.fromEntries([...invariants].map(([id, [, text]]) => [id, text]));
  assert.deepEqual(texts, { ...INVARIANTS });
  await assertTried(
    invariants,
    (id) => new RegExp(String.raw`test\([^)]?['\`]${id}\b|\b${id}[: ]`),
  );
});

test('docs: trust.md has each simulated attack, and a test that runs it', async () => {
  const tried = Object.keys(ATTACKS).map((name) => name.split(' ')[0] ?? '');
  const described = [...attacks.values()].map(([id, text]) => `${id} ${text}`).join('\n');
  assert.deepEqual(
    tried.filter((number) => !new RegExp(String.raw`\b${number}\b`).test(described)),
    [],
  );
  await assertTried(attacks, (id) => new RegExp(String.raw`\b${id}\b`));
});

/** The last cell of each row names test files; each of them must say the number. */
async function assertTried(
  rows: ReadonlyMap<string, readonly string[]>,
  mention: (id: string) => RegExp,
): Promise<void> {
  const problems: string[] = [];
  for (const [id, row] of rows) {
    const files = [...(row.at(-1) ?? '').matchAll(/`([^`]+)`/g)].map(([, file = '']) => file);
    if (files.length === 0) problems.push(`${id} names no test`);
    for (const file of files) {
      const text = await readFile(join(import.meta.dirname, '..', file), 'utf8');
      if (!mention(id).test(text)) problems.push(`${id}: ${file} does not mention it`);
    }
  }
  assert.deepEqual(problems, []);
}

test('docs: a heading that is cited with a document exists in that document', async () => {
  const found = citations(/(?<![\w./-])([\w./-]*\w\.md, "[^"]+")/g);
  assert.ok(found.length > 0, 'nothing of the kind is named: the pattern is out of date');
  const problems: string[] = [];
  for (const { where, name } of found) {
    const [document = '', heading = ''] = name.slice(0, -1).split(', "');
    const text = await readFile(join(import.meta.dirname, '..', document), 'utf8').catch(() => '');
    const headings = text.match(/^#+ .*$/gm)?.map((line) => line.replace(/^#+ /, ''));
    if (headings?.includes(heading) !== true) problems.push(`${where}: ${name}`);
  }
  assert.deepEqual(problems, []);
});

test('docs: no section of a document is cited by a number: headings have no numbers', () => {
  const found = citations(/\b[\w-]+\.md (?:(?:section|row|step) )?\d[\d.]*/g);
  assert.deepEqual(
    found.map(({ where, name }) => `${where}: ${name}`),
    [],
  );
});

test('docs: each link leads to an existing file and heading', async () => {
  const problems: string[] = [];
  for (const file of projectFiles().filter((name) => name.endsWith('.md'))) {
    const text = await readFile(join(import.meta.dirname, '..', file), 'utf8');
    for (const [, target = ''] of text.matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
      const [path = '', anchor] = target.split('#');
      const linked = path === '' ? file : join(dirname(file), path);
      const isThere = projectFiles().some(
        (name) => name === linked || dirname(name) === linked.replace(/\/$/, ''),
      );
      const anchors = isThere && anchor !== undefined ? await anchorsOf(linked) : [];
      if (!isThere || (anchor !== undefined && !anchors.includes(anchor)))
        problems.push(`${file}: ${target}`);
    }
  }
  assert.deepEqual(problems, []);
});

/** The anchors that GitHub creates from headings. */
async function anchorsOf(file: string): Promise<string[]> {
  const text = await readFile(join(import.meta.dirname, '..', file), 'utf8');
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\s-]/g, '')
      .replaceAll(' ', '-'),
  );
}

/** Of a terminal with 120 columns. */
const SCREEN = 40;
test('docs: install.md has each way on one screen', async () => {
  const text = await readFile(join(import.meta.dirname, '../docs/install.md'), 'utf8');
  const sections = text.split(/^##+ /m).map((section) => section.trimEnd().split('\n'));
  const long = sections.filter(({ length }) => length > SCREEN).map(([heading]) => heading);
  assert.deepEqual(long, []);
});

test('docs: comments end at column 100, Markdown at column 120', () => {
  assert.deepEqual(longLines(), []);
});

test('docs: a line that is too long is found, except where it cannot be wrapped', () => {
  const words = (length: number) => 'word '.repeat(length).slice(0, length);
  const found = { number: 2, length: 101 };
  assert.deepEqual(longComments('a.ts', `/**\n * ${words(98)}\n */`), [found]);
  assert.deepEqual(longComments('a.ts', `x\n// ${words(98)}`), [found]);
  assert.deepEqual(longComments('a.sh', `x\n# ${words(99)}`), [found]);
  assert.deepEqual(
    longComments('a.ts', `// ${words(97)}\n// https://example.com/${words(98)}`),
    [],
  );
  assert.deepEqual(longMarkdown(`# a\n${words(121)}`), [{ number: 2, length: 121 }]);
  const kept = ['```', words(121), '```', `| ${words(121)}`, `[a](${'x'.repeat(121)})`];
  assert.deepEqual(longMarkdown(kept.join('\n')), []);
});
