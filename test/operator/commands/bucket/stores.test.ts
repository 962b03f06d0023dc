import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FaultRule } from '../../../support/s3/faults.ts';
import type { S3ServerOptions } from '../../../support/s3/server.ts';
import {
  assertNothingLeft,
  BUCKET,
  expected,
  type Kind,
  kept,
  OTHERS_RULE,
  openLab,
  outcomes,
} from './bucket-lab.ts';

interface StoreRow {
  readonly kind?: Kind;
  readonly options?: Partial<S3ServerOptions>;
  readonly faults?: readonly FaultRule[];
  /** Settings of the bucket before. */
  readonly before?: Readonly<Record<string, string>>;
  readonly want: Readonly<Record<string, string>>;
  readonly found?: RegExp;
  /** What the settings hold afterwards. */
  readonly holds?: Readonly<Record<string, RegExp | undefined>>;
}

const NO_TLS = { 'TLS only': 'lacking' };
const refusal = (
  method: string,
  query: RegExp,
  status: number,
  code: string,
  body?: RegExp,
): FaultRule => ({
  ...{ kind: 'status', status, code },
  match: { method, query, ...(body !== undefined && { body }) },
});

const STORES: Readonly<Record<string, StoreRow>> = {
  'over plain HTTP, where the policy would lock everybody out': {
    want: NO_TLS,
    found: /plain HTTP/,
    holds: { policy: undefined, versioning: /Enabled/ },
  },
  'behind a proxy that ends TLS, as it shows on one object': {
    kind: 'https',
    options: { isBehindProxy: true },
    want: NO_TLS,
    found: /at a proxy/,
    holds: { policy: undefined },
  },
  'a store like MinIO: 501, MalformedXML, and no BoolIfExists': {
    kind: 'https',
    faults: [
      refusal('GET', /^publicAccessBlock=/, 501, 'NotImplemented'),
      refusal('GET', /^ownershipControls=/, 405, 'MethodNotAllowed'),
      refusal('PUT', /^encryption=/, 501, 'NotImplemented'),
      refusal('PUT', /^lifecycle=/, 400, 'MalformedXML', /AbortIncomplete/),
      refusal('PUT', /^policy=/, 400, 'MalformedPolicy', /BoolIfExists/),
    ],
    want: {
      'public access block': 'lacking',
      ownership: 'lacking',
      encryption: 'lacking',
      'unfinished uploads to ubuntu/': 'lacking',
    },
    found: /501 NotImplemented/,
    holds: { policy: /"Bool"/, lifecycle: /miyamoto-ubuntu-status/ },
  },
  'a store that knows no such setting: 404, and an answer about something else': {
    faults: [
      refusal('GET', /^lifecycle=/, 404, 'NoSuchKey'),
      {
        kind: 'replace-body',
        replace: () => Buffer.from('<ListBucketResult/>'),
        match: { query: /^ownershipControls=/ },
      },
    ],
    before: { ownershipControls: '<OwnershipControls/>' },
    want: {
      ...NO_TLS,
      ownership: 'lacking',
      'lifecycle of ubuntu/status/': 'lacking',
      'unfinished uploads to ubuntu/': 'lacking',
    },
    found: /404 NoSuchKey/,
  },
  'a right that is missing, for reading or for writing': {
    faults: [
      refusal('GET', /^encryption=/, 403, 'AccessDenied'),
      refusal('PUT', /^versioning=/, 403, 'AccessDenied'),
    ],
    want: { ...NO_TLS, encryption: 'denied', versioning: 'denied' },
    found: /403 AccessDenied/,
    holds: { encryption: undefined, versioning: undefined },
  },
  'a right to objects that is missing: what needs a test object is not changed': {
    faults: [
      {
        kind: 'status',
        status: 403,
        code: 'AccessDenied',
        match: { method: 'PUT', key: /bucket-init/ },
      },
    ],
    want: {
      ...NO_TLS,
      encryption: 'lacking',
      versioning: 'denied',
      'conditional writes': 'denied',
    },
    found: /s3:PutObject/,
    holds: { encryption: undefined, versioning: undefined },
  },
  'a store that accepts what it does not keep': {
    faults: [
      {
        kind: 'replace-body',
        replace: () => Buffer.from('<VersioningConfiguration/>'),
        match: { method: 'GET', query: /^versioning=/ },
      },
    ],
    want: { ...NO_TLS, versioning: 'lacking' },
    found: /did not keep it/,
  },
  'a store that accepts the encryption and then refuses uploads': {
    faults: [
      {
        kind: 'status',
        status: 400,
        code: 'InvalidRequest',
        match: { method: 'PUT', body: /with encryption/ },
      },
    ],
    want: { ...NO_TLS, encryption: 'lacking' },
    found: /removed again/,
    holds: { encryption: undefined },
  },
  'a store without conditional writes': {
    options: { ignoredHeaders: ['if-none-match', 'if-match'] },
    want: { ...NO_TLS, 'conditional writes': 'lacking' },
    found: /ignores If-None-Match/,
    holds: { versioning: /Enabled/ },
  },
  'a store like Ceph 16, whose conditional writes end with versioning': {
    options: { ignoredHeaders: ['if-none-match'], ignoresWithVersions: true },
    want: { ...NO_TLS, versioning: 'lacking' },
    found: /so it is suspended/,
    holds: { versioning: /Suspended/ },
  },
  'the same, and somebody has enabled it': {
    options: { ignoredHeaders: ['if-none-match'], ignoresWithVersions: true },
    before: {
      versioning: '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>',
    },
    want: { ...NO_TLS, versioning: 'lacking' },
    holds: { versioning: /Suspended/ },
  },
  'a rule of others with more than the SDK reads, as MinIO has it': {
    before: {
      lifecycle: `<LifecycleConfiguration>${OTHERS_RULE.replace('</Days>', '</Days><ExpiredObjectAllVersions>true</ExpiredObjectAllVersions>')}</LifecycleConfiguration>`,
    },
    want: {
      ...NO_TLS,
      'lifecycle of ubuntu/status/': 'lacking',
      'unfinished uploads to ubuntu/': 'lacking',
    },
    found: /other rules have ExpiredObjectAllVersions/,
    holds: { lifecycle: /ExpiredObjectAllVersions/ },
  },
  'another change of the bucket at the same time': {
    faults: [refusal('PUT', /^versioning=/, 409, 'OperationAborted')],
    want: { ...NO_TLS, versioning: 'lacking' },
    found: /409 OperationAborted/,
  },
  'a rule of others that removes the trust roots of hosts': {
    before: {
      lifecycle: `<LifecycleConfiguration>${OTHERS_RULE.replace('logs/', '')}</LifecycleConfiguration>`,
    },
    want: { ...NO_TLS, ...kept('lacking') },
    found: /rule theirs expires/,
    holds: { lifecycle: /<ID>theirs</ },
  },
  'a rule of others that removes binaries': {
    before: {
      lifecycle: `<LifecycleConfiguration>${OTHERS_RULE.replace('logs/', 'ubuntu/binaries/')}</LifecycleConfiguration>`,
    },
    want: { ...NO_TLS, 'lifecycle of ubuntu/binaries/': 'lacking' },
    found: /rule theirs expires/,
  },
  'its own rule, that somebody limited to a tag': {
    before: {
      lifecycle:
        '<LifecycleConfiguration><Rule><ID>miyamoto-ubuntu-uploads</ID><Status>Enabled</Status><Filter><And><Prefix>ubuntu/</Prefix><Tag><Key>a</Key><Value>b</Value></Tag></And></Filter><AbortIncompleteMultipartUpload><DaysAfterInitiation>7</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule></LifecycleConfiguration>',
    },
    want: NO_TLS,
    found: /says something else/,
  },
};

for (const [name, row] of Object.entries(STORES)) {
  test(`bucket init: ${name}: it names what is missing, and does the rest`, async (t) => {
    const lab = await openLab(t, row.kind ?? 'http', row.options);
    for (const [setting, body] of Object.entries(row.before ?? {}))
      lab.server.putSetting(BUCKET, setting, body);
    for (const fault of row.faults ?? []) lab.server.faults.add(fault);
    const done = await lab.init(['--yes', '--json']);
    assert.deepEqual(outcomes(done), expected(row.want), done.stderr);
    assert.equal(done.exitCode, 1);
    if (row.found !== undefined) assert.match(done.stdout, row.found);
    for (const [setting, wanted] of Object.entries(row.holds ?? {})) {
      const now = lab.server.setting(BUCKET, setting);
      if (wanted === undefined) assert.equal(now, undefined, setting);
      else assert.match(now ?? '', wanted);
    }
    if (row.options?.ignoredHeaders === undefined) assertNothingLeft(lab);
    assert.deepEqual(lab.server.keys(BUCKET), []);
  });
}
