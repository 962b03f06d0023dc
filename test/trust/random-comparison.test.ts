import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CodedError } from '../../shared/coded-error.ts';
import { checkProperty } from '../support/fuzz.ts';
import { HONEST, HOSTILE, type Play } from '../support/tuf/random-plays.ts';
import { ReferenceClient, type Taken } from '../support/tuf/reference-client.ts';
import { TufSimulator } from '../support/tuf/simulator.ts';
import { DAY_MS } from '../support/tuf/simulator-documents.ts';
import { SimulatedHost } from '../support/tuf/simulator-host.ts';

/*
 * Random histories of a bucket, for a host and for plain tuf-js: both accept the same metadata and
 * take the same release. Where a host is stricter, the play names the code and the reason.
 */

const PLAYS: Readonly<Record<string, Play>> = { ...HONEST, ...HOSTILE };

interface Step {
  readonly name: string;
  readonly pick: number;
  /** A thief stays: what was done is not put right before the next step. */
  readonly stays: boolean;
  readonly days: number;
}

const anyStep: fc.Arbitrary<Step> = fc.record({
  name: fc.oneof(fc.constantFrom(...Object.keys(HONEST)), fc.constantFrom(...Object.keys(HOSTILE))),
  pick: fc.integer({ min: 0, max: 5000 }),
  stays: fc.boolean(),
  // More than a day: a host asks for roots once a day when the timestamp is the one that it has.
  days: fc.constantFrom(1.5, 1.5, 1.5, 1.5, 20, 200),
});

test('random histories: a host and plain tuf-js accept the same, but for named reasons', async (context) => {
  const histories = fc.array(anyStep, { minLength: 1, maxLength: 8 });
  const counts = { accepted: 0, refused: 0, stricter: 0 };
  await checkProperty(context, histories, async (steps) => compare(steps, counts), 125);
  context.diagnostic(JSON.stringify(counts));
  for (const [outcome, count] of Object.entries(counts).slice(0, 2)) assert.ok(count > 0, outcome);
});

for (const [name, { stricter }] of Object.entries(PLAYS)) {
  if (stricter === undefined) continue;
  test(`random histories: a host alone refuses ${name}: ${stricter.why}`, async () => {
    const counts = { accepted: 0, refused: 0, stricter: 0 };
    await compare([{ name, pick: 1, stays: true, days: 1.5 }], counts);
    assert.deepEqual(counts, { accepted: 0, refused: 0, stricter: 1 });
  });
}

async function compare(
  steps: readonly Step[],
  counts: { accepted: number; refused: number; stricter: number },
): Promise<void> {
  const repository = new TufSimulator();
  await using reference = await ReferenceClient.create(repository.files.get('1.root.json')!);
  await using host = await SimulatedHost.polled(repository);
  await reference.refresh(repository.files, host.now);
  let earlier: ReadonlyMap<string, Buffer> = new Map(repository.files);
  const expected = new Set<string>();
  for (const { name, pick, stays, days } of steps) {
    const { play, stricter } = PLAYS[name]!;
    host.now += days * DAY_MS;
    repository.now = host.now;
    const putRight = remember(repository);
    const before = new Map(repository.files);
    play(repository, { earlier, pick });
    earlier = before;
    if (stricter !== undefined) expected.add(stricter.code);
    const [own, plain] = [await ownRefresh(host), await plainRefresh(reference, repository, host)];
    if (typeof own === 'string' && expected.has(own)) {
      counts[typeof plain === 'string' ? 'refused' : 'stricter'] += 1;
      // From here on the two have seen different things: where tuf-js refuses an expired timestamp,
      // it has already kept the root that a host refused.
      return;
    }
    const said = `${name}: a host says ${JSON.stringify(own)}, tuf-js ${JSON.stringify(plain)}`;
    assert.equal(typeof own, typeof plain, said);
    if (typeof own !== 'string') assert.deepEqual(own, plain, said);
    counts[typeof own === 'string' ? 'refused' : 'accepted'] += 1;
    if (name in HOSTILE && !stays) putRight();
  }
}

/** What was taken, or the code of the refusal. */
async function ownRefresh(host: SimulatedHost): Promise<Taken | string> {
  try {
    const { trusted } = await host.refresh();
    const { root, timestamp, snapshot, targets } = trusted.versions;
    const { current } = trusted.environments.get('stable') ?? {};
    return { versions: { root, timestamp, snapshot, targets }, sha256: current?.sha256 };
  } catch (error) {
    if (error instanceof CodedError) return error.code;
    throw error;
  }
}

async function plainRefresh(
  reference: ReferenceClient,
  { files }: TufSimulator,
  { now }: SimulatedHost,
): Promise<Taken | string> {
  try {
    return await reference.refresh(files, now);
  } catch (error) {
    return String(error);
  }
}

/** Returns what puts the repository back to its present state. */
function remember(repository: TufSimulator): () => void {
  const { root, targets, snapshot, timestamp, roles } = repository;
  const saved = structuredClone({ root, targets, snapshot, timestamp });
  const files = new Map(repository.files);
  const savedRoles = structuredClone(roles);
  const signers = new Map(repository.signers);
  return () => {
    Object.assign(repository, saved, { files });
    for (const [role, document] of savedRoles) repository.roles.set(role, document);
    for (const [role, keys] of signers) repository.signers.set(role, keys);
  };
}
