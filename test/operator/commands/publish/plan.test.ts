import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { OfferedRelease, ReleaseCustom } from '../../../../bucket/documents/release.ts';
import {
  type PublishRequest,
  planPublication,
} from '../../../../operator/commands/publish/plan.ts';
import { parseSignedFile } from '../../../../operator/metadata/signed-file.ts';
import type { VerifiedMetadata } from '../../../../operator/metadata/verified.ts';
import { CodedError, type ErrorCode } from '../../../../shared/coded-error.ts';

const NOW = Date.parse('2026-03-01T12:00:00.789Z');
const COMMIT = 'c'.repeat(40);
const DAY_MS = 86_400_000;
const inDays = (days: number) => new Date(NOW + days * DAY_MS).toISOString();

const packed = (content: string) => {
  const bytes = Buffer.from(content);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { sha256, length: bytes.length, path: `/nowhere/${content}` };
};
/** Content and label determine the tarball, as in a real publication. */
const request: PublishRequest = {
  environment: 'stable',
  version: undefined,
  reason: '',
  force: false,
  by: 'ann@laptop',
  startedAt: NOW,
  source: { commit: COMMIT, ref: null },
  passGates: () => Promise.resolve(),
  earlierVersions: () => Promise.resolve([]),
  pack: (version) => Promise.resolve(packed(`tree ${version}`)),
};

const released = (version: string, custom: Partial<ReleaseCustom> = {}): OfferedRelease => ({
  sha256: packed(`tree ${version}`).sha256,
  length: packed(`tree ${version}`).length,
  custom: {
    schema: 1,
    version,
    release: '20260101T000000Z-old',
    commit: COMMIT,
    created: '2026-01-01T00:00:00Z',
    by: 'bob@desk',
    reason: '',
    hold: false,
    stop: false,
    minAgent: null,
    ...custom,
  },
});

interface Have {
  readonly current?: OfferedRelease;
  readonly expires?: Record<string, string>;
  readonly others?: object;
  /** What the role says of the highest version. */
  readonly highest?: string;
}

const target = ({ sha256, length, custom }: OfferedRelease) => ({
  length,
  hashes: { sha256 },
  custom,
});

function baseWith({ current, expires, others = {}, highest }: Have): VerifiedMetadata {
  const targets = {
    ...others,
    ...(current === undefined ? {} : { 'stable/current': target(current) }),
  };
  const signed = {
    _type: 'targets',
    spec_version: '1.0.31',
    version: 7,
    expires: inDays(100),
    'x-tree': 'acme/ubuntu',
    'x-unknown': [1],
    ...(highest !== undefined && { 'x-versions': { stable: highest, testing: '9.0.0' } }),
    targets,
  };
  const role = parseSignedFile(Buffer.from(JSON.stringify({ signed, signatures: [] })), 'targets');
  const offer = { role: 'env-stable', current, next: undefined, schemaTooNew: false };
  return {
    environments: new Map([['stable', offer]]),
    roles: new Map([['env-stable', role]]),
    expires: {
      'env-stable': inDays(100),
      snapshot: inDays(300),
      timestamp: inDays(50),
      ...expires,
    },
  } as unknown as VerifiedMetadata;
}

const cases = {
  'first release': { have: {}, asked: {}, want: ['published', '0.1.0'] },
  'another commit': {
    have: { current: released('1.4.2', { commit: 'd'.repeat(40) }) },
    asked: {},
    want: ['published', '1.4.3'],
  },
  'after a rollback': {
    have: { current: released('1.4.2', { commit: 'd'.repeat(40) }), highest: '1.5.0' },
    asked: { earlierVersions: () => Promise.reject(new Error('nothing has to be read')) },
    want: ['published', '1.5.1'],
  },
  'after a publication by an older mm': {
    have: { current: released('1.5.2', { commit: 'd'.repeat(40) }), highest: '1.5.0' },
    asked: {},
    want: ['published', '1.5.3'],
  },
  'the role does not say which version was the highest': {
    have: { current: released('1.4.2', { commit: 'd'.repeat(40) }) },
    asked: { earlierVersions: () => Promise.resolve(['1.4.2', '1.10.0', '1.9.0', 'summer']) },
    want: ['published', '1.10.1'],
  },
  'the same commit': {
    have: { current: released('1.4.2') },
    asked: {},
    want: ['unchanged', '1.4.2'],
  },
  'the same commit, packed differently': {
    have: { current: { ...released('1.4.2'), sha256: 'f'.repeat(64) } },
    asked: {},
    want: ['published', '1.4.3'],
  },
  'the same commit by force': {
    have: { current: released('1.4.2') },
    asked: { force: true },
    want: ['published', '1.4.2'],
  },
  'the same commit under a label of its own': {
    have: { current: released('1.4.2') },
    asked: { version: '2.0.0' },
    want: ['published', '2.0.0'],
  },
  'the same commit under the label that it has': {
    have: { current: released('1.4.2') },
    asked: { version: '1.4.2' },
    want: ['unchanged', '1.4.2'],
  },
  'the same commit, its role about to lapse': {
    have: { current: released('1.4.2'), expires: { 'env-stable': inDays(44) } },
    asked: {},
    want: ['renewed', '1.4.2'],
  },
  'the same commit, the timestamp about to lapse': {
    have: { current: released('1.4.2'), expires: { timestamp: inDays(24) } },
    asked: {},
    want: ['renewed', '1.4.2'],
  },
  'the same work tree': {
    have: { current: released('0.1.0', { commit: null }) },
    asked: { source: { commit: null, ref: null } },
    want: ['unchanged', '0.1.0'],
  },
  'a publication whose answer was lost': {
    have: {
      current: released('0.1.0', {
        release: `20260301T120000Z-${released('0.1.0').sha256.slice(0, 12)}`,
      }),
    },
    asked: { force: true },
    want: ['published', '0.1.0'],
  },
} satisfies Record<string, { have: Have; asked: Partial<PublishRequest>; want: [string, string] }>;

for (const [name, { have, asked, want }] of Object.entries(cases)) {
  test(`plan: ${name}`, async () => {
    const { answer } = await planPublication({ ...request, ...asked }, baseWith(have));
    assert.deepEqual([answer.outcome, answer.release.custom.version], want);
  });
}

test('plan: the signed content is complete, and other releases in the role are kept', async () => {
  const others = { 'other/current': target(released('9.9.9')) };
  const planned = await planPublication({ ...request, reason: 'why' }, baseWith({ others }));
  assert.ok(planned.kind === 'change');
  const { sha256, length } = packed('tree 0.1.0');
  const [blob, ...more] = planned.change.blobs;
  assert.deepEqual([blob?.sha256, blob?.length, more], [sha256, length, []]);
  assert.equal(blob?.path, '/nowhere/tree 0.1.0');
  const content = planned.change.roles.get('env-stable');
  assert.deepEqual(content?.['targets'], {
    ...others,
    'stable/current': {
      length,
      hashes: { sha256 },
      custom: {
        schema: 1,
        version: '0.1.0',
        release: `20260301T120000Z-${sha256.slice(0, 12)}`,
        commit: COMMIT,
        ref: null,
        created: '2026-03-01T12:00:00Z',
        by: 'ann@laptop',
        reason: 'why',
        hold: false,
        stop: false,
        minAgent: null,
        change: {
          action: 'publish',
          by: 'ann@laptop',
          at: '2026-03-01T12:00:00.789Z',
          reason: 'why',
          after: 7,
        },
      },
    },
  });
  assert.deepEqual(content['x-unknown'], [1]);
  assert.deepEqual(content['x-versions'], { stable: '0.1.0' });
});

test('plan: a publication keeps hold, stop and their reason, and no minAgent', async () => {
  const pause = { by: 'bob@desk', at: '2026-02-01T00:00:00Z', reason: 'freeze' };
  const kept = { hold: true, stop: true, pause };
  const current = released('1.0.0', { ...kept, minAgent: '1.2.0', commit: null });
  const { answer } = await planPublication(request, baseWith({ current }));
  const { hold, stop, minAgent, pause: after } = answer.release.custom;
  assert.deepEqual({ hold, stop, pause: after }, kept);
  assert.equal(minAgent, null);
});

test('plan: a renewal does not change the content', async () => {
  const current = released('1.4.2');
  const verified = baseWith({ current, expires: { timestamp: inDays(1) } });
  const planned = await planPublication(request, verified);
  assert.ok(planned.kind === 'change');
  assert.deepEqual(planned.change.blobs, []);
  const content = planned.change.roles.get('env-stable');
  assert.deepEqual(content?.['targets'], { 'stable/current': target(current) });
});

const unknown = baseWith({});
const refused = {
  'an environment without a delegation': {
    verified: {
      ...unknown,
      environments: new Map([['stable', { role: undefined, schemaTooNew: false }]]),
    },
    asked: {},
    code: 'ENVIRONMENT_UNKNOWN',
  },
  'a release that only a newer mm understands': {
    verified: {
      ...unknown,
      environments: new Map([['stable', { role: 'env-stable', schemaTooNew: true }]]),
    },
    asked: {},
    code: 'METADATA_INVALID',
  },
  'a lower version without a reason': {
    verified: baseWith({ current: released('2.0.0', { commit: null }) }),
    asked: { version: '1.0.0' },
    code: 'USAGE',
  },
} satisfies Record<string, { verified: object; asked: Partial<PublishRequest>; code: ErrorCode }>;

for (const [name, { verified, asked, code }] of Object.entries(refused)) {
  test(`plan: ${name} is ${code}`, async () => {
    await assert.rejects(
      async () =>
        planPublication({ ...request, ...asked }, verified as unknown as VerifiedMetadata),
      (error) => error instanceof CodedError && error.code === code,
    );
  });
}
