import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '..');

interface Rule {
  readonly files: RegExp;
  /** Imports are paths from the root, `node:…`, or names of packages. */
  readonly only?: RegExp;
  readonly never?: RegExp;
  readonly because: string;
}

const RULES: readonly Rule[] = [
  {
    files: /^bucket\//,
    never: /^(agent|operator)\//,
    because: 'what both sides agree on knows neither of them',
  },
  {
    files: /^agent\//,
    never: /^operator\//,
    because: 'agent and operator meet in the bucket only',
  },
  {
    files: /^operator\//,
    never: /^agent\//,
    because: 'agent and operator meet in the bucket only',
  },
  {
    files: /^(agent|bucket|operator)\//,
    never: /^(test|bench|examples|packaging)\//,
    because: 'what is shipped does not stand on what is not',
  },
  {
    files: /^agent\/core\//,
    only: /^(agent\/(core\/|ports\.ts)|bucket\/(documents|trust)\/|bucket\/coded-error\.ts|node:crypto$|zod(\/mini)?$|semver\b)/,
    because: 'decisions are values in, values out: no clock, no disk, no network',
  },
  {
    files: /^agent\/(?!io\/|commands\/|main\.ts)/,
    never: /^agent\/(io|commands)\/|^agent\/main\.ts/,
    because:
      'steps take ports, so that a test can hand them others; main and the commands wire the adapters in',
  },
  {
    files: /^bucket\/documents\//,
    only: /^(bucket\/documents\/|node:crypto$|zod(\/mini)?$)/,
    because: 'a document is a schema and a type',
  },
  {
    files: /^bucket\/trust\/(?!trust-directory\.ts)/,
    never: /^(node:(?!crypto$)|bucket\/files\.ts)/,
    because: 'rules of trust do no I/O; trust-directory.ts keeps what they accepted',
  },
  {
    files: /^(agent|bucket)\//,
    never: /^node:fs\/promises$/,
    because: 'by the thread pool a call costs ten times what it does: bucket/files.ts',
  },
];

const IMPORT = /(?:\bfrom|\bimport|\bimport\()\s*['"]([^'"]+)['"]/g;

function importsOf(file: string): string[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  return [...text.matchAll(IMPORT)].map(([, to = '']) =>
    to.startsWith('.') ? join(dirname(file), to) : to,
  );
}

const files = globSync('{agent,bucket,operator}/**/*.ts', { cwd: ROOT });
for (const { files: pattern, only, never, because } of RULES) {
  test(`architecture: ${pattern.source}: ${because}`, () => {
    const subject = files.filter((file) => pattern.test(file));
    assert.ok(subject.length > 0, 'the rule is about no file: it is out of date');
    const wrong = subject.flatMap((file) =>
      importsOf(file)
        .filter((to) => (only && !only.test(to)) || never?.test(to))
        .map((to) => `${file} imports ${to}`),
    );
    assert.deepEqual(wrong, []);
  });
}
