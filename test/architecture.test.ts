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
    files: /^shared\//,
    never: /^(bucket|trust|agent|operator)\//,
    because: 'shared code knows nothing of what Miyamoto does',
  },
  {
    files: /^bucket\//,
    never: /^(trust|agent|operator)\//,
    because: 'the bucket is what both programs share; it knows neither of them',
  },
  {
    files: /^trust\//,
    never: /^(agent|operator)\//,
    because: 'agent and publisher verify by the same rules, which know neither of them',
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
    files: /^(agent|bucket|operator|shared|trust)\//,
    never: /^(test|bench|examples|packaging)\//,
    because: 'shipped code must not depend on code that is not shipped',
  },
  {
    files: /^agent\/core\//,
    only: /^(agent\/(core\/|ports\.ts)|bucket\/documents\/|trust\/|shared\/coded-error\.ts|node:crypto$|zod(\/mini)?$|semver\b)/,
    because: 'a decision takes values and returns a value: no clock, no disk, no network',
  },
  {
    files: /^agent\/(?!io\/|commands\/|main\.ts)/,
    never: /^agent\/(io|commands)\/|^agent\/main\.ts/,
    because:
      'steps take ports, so that a test can pass others; only main and the commands wire adapters',
  },
  {
    files: /^bucket\/documents\//,
    only: /^(bucket\/documents\/|node:crypto$|zod(\/mini)?$)/,
    because: 'a document is a schema and a type',
  },
  {
    files: /^trust\/(?!kept\/trust-directory\.ts)/,
    never: /^(node:(?!crypto$)|shared\/files\.ts)/,
    because: 'the trust rules do no I/O; trust-directory.ts stores what they accepted',
  },
  {
    files: /^(agent|bucket|shared|trust)\//,
    never: /^node:fs\/promises$/,
    because: 'through the thread pool a file call costs ten times as much: shared/files.ts',
  },
];

const IMPORT = /(?:\bfrom|\bimport|\bimport\()\s*['"]([^'"]+)['"]/g;

function importsOf(file: string): string[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  return [...text.matchAll(IMPORT)].map(([, to = '']) =>
    to.startsWith('.') ? join(dirname(file), to) : to,
  );
}

const files = globSync('{agent,bucket,operator,shared,trust}/**/*.ts', { cwd: ROOT });
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
