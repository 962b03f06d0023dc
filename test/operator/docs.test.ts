import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Command } from 'commander';
import { NO_OUTPUT } from '../../operator/cli/output.ts';
import { buildProgram } from '../../operator/cli/program.ts';
import { OperatorConfig } from '../../operator/config.ts';
import type { Context } from '../../operator/context.ts';
import { configTable, pageAsCommitted } from '../support/config-docs.ts';

const ROOT = join(import.meta.dirname, '../..');
const page = (name: string) => readFileSync(join(ROOT, 'docs', name), 'utf8');

/** Every `mm ...` of a page, in code blocks and in code spans. */
function commandsIn(text: string): string[] {
  const blocks = [...text.matchAll(/^(mm [^\n#]+)/gm)].map(([, line = '']) => line.trim());
  const spans = [...text.matchAll(/`(mm [^`]+)`/g)].map(([, span = '']) => span);
  return [...blocks, ...spans];
}

/** The words that the command line does not accept. */
function unknownWords(line: string): string[] {
  let command: Command = buildProgram({} as Context, NO_OUTPUT);
  // What is in quotes is a command of another program, or a text.
  const [, ...words] = line
    .replace(/ -- .*/, '')
    .replace(/'[^']*'/g, "''")
    .split(/\s+/);
  for (;;) {
    const next = command.commands.find((each) => each.name() === words[0]);
    if (next === undefined) break;
    command = next;
    words.shift();
  }
  if (command.parent === null) return words.slice(0, 1);
  // `mm rollout stable` is short for `mm rollout start stable`.
  command = command.commands.find((each) => each.name() === 'start') ?? command;
  const known = command.options.map(({ long }) => long);
  return words.filter((word) => word.startsWith('-') && !known.includes(word));
}

for (const name of [
  'keys.md',
  'operator.md',
  'binaries.md',
  'signers.md',
  'threat-model.md',
  'control-repos.md',
  'fleet.md',
  'preview.md',
  'policies.md',
  'from-miyamoto-2012.md',
  'bucket.md',
  'install.md',
]) {
  test(`docs: every command in ${name} exists in mm`, () => {
    const commands = commandsIn(page(name));
    assert.ok(commands.length > 2);
    const wrong = commands.filter((line) => unknownWords(line).length > 0);
    assert.deepEqual(wrong, []);
  });
}

for (const name of ['threat-model.md', 'control-repos.md']) {
  test(`docs: every test that ${name} names exists`, () => assertTestsExist(name));
}

function assertTestsExist(document: string): void {
  const named = claims(document).flatMap(testsOfClaim);
  assert.ok(named.length >= 15);
  const files = globSync(['test/**/*.test.ts', 'test/s3/*.ts'], { cwd: ROOT });
  const sources = files.map((file) => readFileSync(join(ROOT, file), 'utf8'));
  // The title of a generated test has a variable part. This compares the parts before and after it.
  const titles = sources.flatMap((text) =>
    [...text.matchAll(/\btest\(\s*(['`])((?:(?!\1).)+)\1/gs)].map(([, , title = '']) => title),
  );
  const patterns = titles.map((title) => {
    const parts = title
      .split(/\$\{[^}]+\}/)
      .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
    return new RegExp(`^${parts.join('.+')}$`);
  });
  const missing = named.filter((name) => !patterns.some((pattern) => pattern.test(name)));
  assert.deepEqual(missing, []);
}

/** The rows of each table whose last column names tests. */
function claims(document: string): string[] {
  const tables = page(document).matchAll(/^\|.*\| tried by \|\n\|[-|]+\|\n((?:\|.*\n)+)/gm);
  return [...tables].flatMap(([, rows = '']) => rows.trimEnd().split('\n'));
}

function testsOfClaim(row: string): string[] {
  const [, cell] = /\| ((?:`[^`|]+`(?:; )?)+) \|$/.exec(row) ?? [];
  assert.ok(cell !== undefined, `names no test: ${row}`);
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
}

const CONFIG_PAGE = `<!-- Generated from operator/config.ts: UPDATE_DOCS=1 node --test test/operator/docs.test.ts -->
# miyamoto.yaml

\`mm\` reads the nearest \`miyamoto.yaml\` in the current directory or a parent directory; \`mm init\` writes it. It belongs
in the git repository of the environments, beside the trust root. Paths are relative to it. A key that is not in this
table is an error.

\`\`\`yaml
bucket: masterless-puppet.example.com
trees:
  ubuntu:
    id: acme-prod/ubuntu
    environments:
      stable: { ref: main }
      testing: { ref: testing }
\`\`\`

Credentials do not belong in this file. The AWS SDK finds them in its usual places. \`mm config\` shows every value that
counts, also those of the environment, and where each is from; it never shows a secret.

${configTable(OperatorConfig)}
`;

test('docs/operator-config.md matches the schema', async () => {
  const path = join(ROOT, 'docs/operator-config.md');
  assert.equal(await pageAsCommitted(path, CONFIG_PAGE), CONFIG_PAGE);
});
