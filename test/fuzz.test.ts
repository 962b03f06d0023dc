import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { Config } from '../agent/config/config.ts';
import { collectFacts } from '../agent/core/facts/facts.ts';
import { outcomeOf } from '../agent/core/run/outcome.ts';
import { RunSummary } from '../bucket/documents/status.ts';
import { OperatorConfig } from '../operator/config.ts';
import { createKeyFile } from '../operator/keys/file/key-file.ts';
import { readSigningKey } from '../operator/keys/signing-key.ts';
import { readStatusDocument } from '../operator/repository/host-documents.ts';
import { parseConfigFile } from '../shared/config/file.ts';
import {
  anyCodePoint,
  anyJsonText,
  checkProperty,
  LARGE_JSON,
  nested,
  orCoded,
  parsed,
  smallJsonText,
  spoilt,
  withAnyValue,
} from './support/fuzz.ts';
import { endedRun, exited, puppetReport, resourceStatus } from './support/puppet-report.ts';
import { sampleStatus } from './support/status-sample.ts';

/*
 * Every parser of untrusted, damaged or mistyped input, except those of trust (fuzz.test.ts there)
 * and archives (test/agent/steps/unpack/fuzz.test.ts): an answer or an error with a code, in
 * bounded time and size.
 */

const CONFIG = `bucket: fleet.example.com
tree: ubuntu
groups: [canary, "web servers"]
schedule: { poll: 5m, apply: "30 * * * *" }
s3:
  endpoint: 'https://s3.example.com'
  region: eu-central-1
facts:
  deny: [ec2_userdata]
`;
const anyYaml = fc.oneof(
  spoilt(CONFIG, fc.string({ unit: anyCodePoint })),
  spoilt(
    CONFIG,
    fc.constantFrom('&a', '*a', '<<: *a', '!!js/function', '---', '? ', '|', '\t', '%'),
  ),
  fc
    .array(
      fc.constantFrom('- ', 'a', ': ', '\n', '  ', '{', '}', '[', ']', '"', '#', '|', '&b ', '*b'),
    )
    .map((parts) => parts.join('')),
  smallJsonText,
);
/** Each costs as much as a hundred others: they are tried once. */
const LARGE_YAML = [
  'a: &a [x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n',
  nested(120_000),
  '- '.repeat(120_000),
  `{a: `.repeat(20_000),
  Array.from({ length: 20_000 }, (_, index) => `k${index}: 1`).join('\n'),
  'k: 1\n'.repeat(50_000),
  `bucket: ${'x'.repeat(300_000)}`,
  `bucket: "${'\\u0000'.repeat(40_000)}"`,
];

for (const [file, schema] of Object.entries({
  'agent.yaml': Config,
  'miyamoto.yaml': OperatorConfig,
})) {
  test(`fuzz: any text as ${file}`, async (context) => {
    await checkProperty(
      context,
      anyYaml,
      async (text) => {
        await orCoded(() => void parseConfigFile(text, file, schema));
      },
      120,
      [...LARGE_JSON, ...LARGE_YAML],
    );
  });
}

const REPORT = puppetReport({
  logs: [{ level: 'err', message: 'no', source: '/Stage[main]/Web/Exec[reload]', tags: ['err'] }],
  resource_statuses: {
    'Exec[reload]': resourceStatus({ failed: true, events: [{ status: 'failure', message: 'x' }] }),
    'File[/a]': resourceStatus({ changed: true, events: [{ status: 'noop', message: 'x' }] }),
  },
});

test("fuzz: anything as Puppet's report gives a valid run summary of bounded size", async (context) => {
  const anyReport = parsed(fc.oneof(withAnyValue(REPORT), anyJsonText));
  const arbitrary = fc.record({ report: anyReport, exitCode: fc.constantFrom(0, 1, 2, 4, 6, 127) });
  await checkProperty(
    context,
    arbitrary,
    ({ report, exitCode }) => {
      const summary = outcomeOf(endedRun(exited(exitCode), { report }));
      assert.ok(JSON.stringify(RunSummary.parse(summary)).length < 100_000);
    },
    400,
  );
});

test('fuzz: anything as facts stays within its bounds', async (context) => {
  const facts = {
    os: { name: 'Debian', release: { full: '12' } },
    mountpoints: { '/': { size: 1 } },
  };
  const arbitrary = parsed(fc.oneof(withAnyValue(facts), anyJsonText));
  const maxBytes = 20_000;
  await checkProperty(
    context,
    arbitrary,
    (values) => {
      const deny = ['os.*.full', '__proto__', 'a.b'];
      const promote = ['os.name', 'toString', '__proto__.a', 'a', 'mountpoints./'];
      const collected = collectFacts(values, { deny, promote, maxBytes });
      if (collected === undefined) return;
      assert.ok(Buffer.byteLength(JSON.stringify(collected.all)) <= maxBytes);
      assert.ok(JSON.stringify(collected.promoted).length < 10_000);
    },
    400,
  );
});

test('fuzz: any bytes as the status of a host are a valid status or STATUS_INVALID', async (context) => {
  const { certname } = sampleStatus;
  const valid = JSON.stringify(sampleStatus);
  const anyBytes = fc.oneof(
    withAnyValue(sampleStatus).map((text) => Buffer.from(text)),
    spoilt(valid, fc.string({ unit: anyCodePoint })).map((text) => Buffer.from(text)),
    anyJsonText.map((text) => Buffer.from(text)),
    fc.uint8Array({ maxLength: 300 }),
  );
  await checkProperty(
    context,
    anyBytes,
    async (bytes) => {
      const read = await orCoded(() =>
        readStatusDocument(bytes, { certname, key: 'status/x.json' }),
      );
      assert.equal(read?.certname ?? certname, certname);
    },
    400,
  );
});

test('fuzz: any text as a key file', async (context) => {
  const directory = await mkdtemp(join(tmpdir(), 'mm-fuzz-'));
  try {
    const created = { path: join(directory, 'a.json'), passphrase: undefined, now: new Date() };
    const { document } = await createKeyFile(created);
    const held = { ...document, private: { kind: 'command', command: ['/bin/true', 'x'] } };
    const anyFile = fc.oneof(
      withAnyValue(document),
      withAnyValue(held),
      spoilt(JSON.stringify(document), fc.string({ unit: anyCodePoint })),
      anyJsonText,
    );
    const path = join(directory, 'key.json');
    await writeFile(path, '');
    await chmod(path, 0o600);
    await checkProperty(
      context,
      anyFile,
      async (text) => {
        await writeFile(path, text);
        await orCoded(() => readSigningKey(path));
      },
      300,
    );
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
