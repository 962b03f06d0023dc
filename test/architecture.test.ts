import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { projectFiles, projectFolders, PROJECT as ROOT } from './support/project-files.ts';

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
    only: /^(agent\/core\/|bucket\/documents\/|trust\/|shared\/(clean-text|coded-error|counted|json|log\/redact|set-clock)\.ts|node:crypto$|zod$|semver\b)/,
    because: 'a decision takes values and returns a value: no clock, no disk, no network',
  },
  {
    files: /^agent\/(?!io\/|commands\/|main\.ts)/,
    never: /^agent\/(io|commands)\/|^agent\/main\.ts/,
    because:
      'steps take ports, so that a test can pass others; only main and the commands create adapters',
  },
  {
    files: /^agent\/(core|config|steps)\//,
    never: /^agent\/(cycle|loop|main|options)\.ts/,
    because: 'inside the agent imports point one way: core <- steps <- cycle and loop <- commands',
  },
  {
    files: /^bucket\/documents\//,
    only: /^(bucket\/documents\/|node:crypto$|zod$)/,
    because: 'a document is a schema and a type',
  },
  {
    files: /^trust\/(?!kept\/trust-directory\.ts)/,
    never: /^(node:(?!crypto$)|shared\/(atomic-file|files)\.ts)/,
    because: 'the trust rules do no I/O; trust-directory.ts stores what they accepted',
  },
  {
    files: /^(agent|bucket|shared|trust)\//,
    never: /^node:fs\/promises$/,
    because: 'the agent calls node:fs synchronously: see shared/files.ts',
  },
];

const IMPORT = /(?:\bfrom|\bimport|\bimport\()\s*['"]([^'"]+)['"]/g;

function importsOf(file: string): string[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  return [...text.matchAll(IMPORT)].map(([, to = '']) =>
    to.startsWith('.') ? join(dirname(file), to) : to,
  );
}

const SHIPPED = /^(agent|bucket|operator|shared|trust)\//;
const sources = projectFiles().filter((file) => file.endsWith('.ts'));
const files = sources.filter((file) => SHIPPED.test(file));
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

/** They read the files of the program itself, those of /proc, and streams of checked files. */
const MAY_READ =
  /^agent\/(program\/chunks|io\/(daemon\/service\/service-name|host\/processes|puppet\/ruby\/ruby-source)|commands\/doctor\/variables|steps\/fetch\/(fetch|download))\.ts$|^operator\/(files\/lock|fleet\/report\/page-source|keys\/file\/passphrase|puppet\/ruby\/ruby-source|release\/source\/filters|repository\/upload\/upload-file)\.ts$|^bucket\/(archive\/read-archive|s3\/request-handler)\.ts$/;
const UNBOUNDED =
  /import [^;]*\b(readFileSync|readFile|createReadStream)\b[^;]*'node:fs(\/promises)?'/;

test('architecture: files are read with a bound: a FIFO must not block, and a device has no end', () => {
  const unbounded = files.filter((file) => UNBOUNDED.test(readFileSync(join(ROOT, file), 'utf8')));
  const wrong = unbounded.filter((file) => !MAY_READ.test(file));
  assert.deepEqual(wrong, [], 'use readNamed of shared/files.ts, or shared/foreign-file.ts');
  assert.ok(unbounded.length > 0);
});

test('architecture: no files import each other in a circle, not even through types', () => {
  assert.equal(circleIn(new Map(sources.map((file) => [file, importsOf(file)]))), undefined);
});

test('architecture: no folders import each other in a circle, not even through types', () => {
  const rooms = new Map<string, string[]>();
  for (const file of files) {
    const from = roomOf(file);
    const to = importsOf(file)
      .filter((each) => each.endsWith('.ts'))
      .map(roomOf);
    rooms.set(from, [...(rooms.get(from) ?? []), ...to.filter((each) => each !== from)]);
  }
  assert.equal(circleIn(rooms), undefined);
});

/**
 * The folder of a file. The files at the top of a program are the floor (paths, ports, context) and
 * the roof (main) of its folders: each counts alone.
 */
function roomOf(file: string): string {
  return /^(agent|operator)\/[^/]+$/.test(file) ? file : dirname(file);
}

/** A file imports from its own line and from those above it. */
const ROOMS_OF_OPERATOR: readonly RegExp[] = [
  /^operator\/packages\//,
  /^operator\/files\//,
  /^operator\/puppet\//,
  /^operator\/keys\//,
  /^operator\/metadata\//,
  /^operator\/repository\//,
  /^operator\/commit\//,
  /^operator\/proposals\//,
  /^operator\/release\//,
  /^operator\/hosts\//,
  /^operator\/fleet\//,
  /^operator\/(?!main\.ts)[^/]+$/,
  /^operator\/preview\//,
  /^operator\/commands\//,
  /^operator\/cli\//,
  /^operator\/main\.ts$/,
];

test('architecture: the rooms of the operator import in one direction', () => {
  const order = (file: string): number => ROOMS_OF_OPERATOR.findIndex((room) => room.test(file));
  const own = files.filter((file) => file.startsWith('operator/'));
  const wrong = own.flatMap((file) =>
    importsOf(file)
      .filter((to) => order(to) > order(file))
      .map((to) => `${file} imports ${to}`),
  );
  const homeless = own.filter((file) => order(file) === -1);
  assert.deepEqual({ wrong, homeless }, { wrong: [], homeless: [] });
});

/** More files are not clear at a glance. */
const MAX_FILES = 14;
test(`architecture: a folder has at most ${MAX_FILES} files`, () => {
  const perFolder = Map.groupBy(files, (file) => dirname(file));
  const full = [...perFolder].filter(([, { length }]) => length > MAX_FILES);
  assert.deepEqual(
    full.map(([folder, { length }]) => `${folder}/ has ${length} files`),
    [],
  );
});

/** The first circle, as text. */
function circleIn(imports: ReadonlyMap<string, readonly string[]>): string | undefined {
  const done = new Set<string>();
  const visit = (name: string, path: readonly string[]): string | undefined => {
    const start = path.indexOf(name);
    if (start !== -1) return [...path.slice(start), name].join(' imports ');
    if (done.has(name)) return undefined;
    done.add(name);
    for (const to of imports.get(name) ?? []) {
      const circle = visit(to, [...path, name]);
      if (circle !== undefined) return circle;
    }
    return undefined;
  };
  for (const name of imports.keys()) {
    const circle = visit(name, []);
    if (circle !== undefined) return circle;
  }
  return undefined;
}

/** A line of the tree in docs/architecture.md. */
interface Line {
  /** From the root. */
  readonly folder: string;
  readonly says: string;
}

/** Throws for a line that is not `<two spaces for each level><folder>/  <what is in it>`. */
function treeOf(page: string): Line[] {
  const [, tree = ''] = /^## Folders\n.*?^```\n(.*?)^```$/ms.exec(page) ?? [];
  const lines: Line[] = [];
  const above: string[] = [];
  for (const line of tree.trimEnd().split('\n')) {
    const [, indent = '', name = '', says = ''] =
      /^((?: {2})*)([\w-]+)\/ +(\S.*)$/.exec(line) ?? [];
    assert.notEqual(says, '', `docs/architecture.md: not "<folder>/  <what is in it>": ${line}`);
    above.splice(indent.length / 2, Infinity, name);
    lines.push({ folder: above.join('/'), says });
  }
  return lines;
}

/**
 * Shipped folders at any depth, all others to the second level, without those that mirror a folder
 * of the root.
 */
function isInTree(folder: string): boolean {
  const [top = '', second = '', ...more] = folder.split('/');
  if (top === '' || top.startsWith('.')) return false;
  if (top === 'test' && existsSync(join(ROOT, second)) && second !== '') return false;
  return SHIPPED.test(`${folder}/`) || more.length === 0;
}

test('architecture: the tree in docs/architecture.md is that of the project', () => {
  const lines = treeOf(readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8'));
  const described = lines.map(({ folder }) => folder);
  const real = new Set<string>();
  for (const folder of projectFolders()) {
    const names = folder.split('/');
    for (const [depth] of names.entries()) real.add(names.slice(0, depth + 1).join('/'));
  }
  assert.deepEqual(
    [
      ...[...real]
        .filter((folder) => isInTree(folder) && !described.includes(folder))
        .map((folder) => `add a line to the tree in docs/architecture.md: ${treeLine(folder)}`),
      ...described
        .filter((folder) => !real.has(folder))
        .map(
          (folder) => `remove from the tree in docs/architecture.md, it is not there: ${folder}/`,
        ),
      ...lines.flatMap(({ folder, says }) =>
        [...says.matchAll(/(?<![\w./-])[\w./-]+\.(?:ts|md)\b/g)]
          .filter(
            ([name]) => ![join(folder, name), name].some((path) => projectFiles().includes(path)),
          )
          .map(([name]) => `docs/architecture.md: ${folder}/ has no ${name}`),
      ),
    ],
    [],
  );
  assert.deepEqual(described, described.toSorted(), 'in order, so that a folder is easy to find');
});

/** As a line of that tree. */
function treeLine(folder: string): string {
  const names = folder.split('/');
  return `"${'  '.repeat(names.length - 1)}${names.at(-1)}/  <what is in it>" below ${names.slice(0, -1).join('/') || 'the root'}`;
}
