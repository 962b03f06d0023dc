import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkProperty, nested, orCoded } from '../support/fuzz.ts';
import { TufSimulator } from '../support/tuf/simulator.ts';
import { SimulatedHost } from '../support/tuf/simulator-host.ts';
import { newest } from '../support/tuf/simulator-plays.ts';

const ROLES = ['timestamp', 'root', 'snapshot', 'targets', 'env-stable'] as const;
const FIELDS = [
  ...['_type', 'spec_version', 'expires', 'version', 'x-tree', 'meta', 'keys', 'roles'],
  ...['targets', 'delegations', 'consistent_snapshot'],
];

/** Canonical JSON has no floats. */
const anyJson = fc.oneof(
  fc.jsonValue().map(withoutFloats),
  fc.constantFrom(JSON.parse(nested(10)), '__proto__', -1, 2 ** 53),
);
/**
 * Deep nesting breaks recursive readers: as deep as the size limit of timestamp.json allows, in a
 * field that is checked.
 */
const deep = nested(7_000);
const anyText = fc.oneof(
  anyJson.map((value) => JSON.stringify(value)),
  anyJson.map((signed) => JSON.stringify({ signed, signatures: [] })),
  fc.constantFrom(
    deep,
    `{"signed":${deep}}`,
    `{"signed":{"x-tree":${deep}}}`,
    `{"signed":{"_type":"timestamp","spec_version":"1.0.31","expires":"2041-01-01T00:00:00Z","version":9,"x-tree":"acme-test/ubuntu","meta":{"snapshot.json":{"version":9,"deep":${deep}}}},"signatures":[]}`,
  ),
);
const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  anyText.map((text) => Buffer.from(text)),
);

test('fuzz: any bytes in place of any file cause an error with a code', async (context) => {
  const arbitrary = fc.record({ role: fc.constantFrom(...ROLES), bytes: anyBytes });
  await checkProperty(context, arbitrary, ({ role, bytes }) =>
    refuses((repository) => {
      const file = role === 'root' ? '2.root.json' : newest(repository, role);
      repository.files.set(file, Buffer.from(bytes));
    }),
  );
});

test('fuzz: any value in any field, signed by stolen keys, is accepted or causes an error with a code', async (context) => {
  const arbitrary = fc.record({
    role: fc.constantFrom(...ROLES),
    field: fc.constantFrom(...FIELDS),
    value: anyJson,
  });
  await checkProperty(context, arbitrary, ({ role, field, value }) =>
    refuses((repository) => forgeField(repository, role, { field, value })),
  );
});

/** What was trusted stays readable, and every error has a code. */
async function refuses(play: (repository: TufSimulator) => void): Promise<void> {
  const repository = new TufSimulator();
  await using host = await SimulatedHost.polled(repository);
  repository.publish('stable', '1.1.0');
  play(repository);
  await orCoded(() => host.refresh());
  assert.ok((await host.readTrusted())?.environments.has('stable'));
}

function forgeField(
  repository: TufSimulator,
  role: (typeof ROLES)[number],
  change: { readonly field: string; readonly value: unknown },
): void {
  const document = role === 'env-stable' ? repository.role('stable') : repository[role];
  Object.assign(document, { [change.field]: change.value });
  const { version } = document;
  if (role === 'root') repository.writeRoot();
  if (role === 'targets' || role === 'env-stable') repository.writeRole(role);
  if (role !== 'timestamp') repository.writeSnapshot();
  repository.writeTimestamp();
  document.version = version;
}

function withoutFloats(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (_, part) =>
    Number.isInteger(part) || typeof part !== 'number' ? part : 1,
  );
}
