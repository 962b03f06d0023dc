import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, type TestContext } from 'node:test';
import { BucketAnswer } from '../../../../operator/bucket-answers.ts';
import type { Context } from '../../../../operator/context.ts';
import { type Authority, makeAuthority } from '../../../support/certificates.ts';
import { type MmDone, runMm } from '../../../support/run-mm.ts';
import { adminPolicy } from '../../../support/s3/policy.ts';
import { useProfiles } from '../../../support/s3/profiles.ts';
import { startForwardProxy } from '../../../support/s3/proxy.ts';
import { type S3Server, type S3ServerOptions, startS3Server } from '../../../support/s3/server.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';

/** Buckets and stores for the tests of `mm bucket init`. */
export const BUCKET = 'fleet';
const ADMIN = { accessKeyId: 'ADMIN', secretAccessKey: 'secret' };
const AT_AWS = `${BUCKET}.s3.us-east-1.amazonaws.com`;

let profiles: AsyncDisposable;
let authority: Authority;
let certificate: { readonly key: string; readonly cert: string };

before(async () => {
  profiles = await useProfiles({ default: ADMIN });
  authority = await makeAuthority('Private CA');
  certificate = await authority.issue(['127.0.0.1', AT_AWS]);
});

after(async () => {
  await authority[Symbol.asyncDispose]();
  await profiles[Symbol.asyncDispose]();
});

export type Kind = 'aws' | 'https' | 'http';

export interface Lab {
  readonly server: S3Server;
  /** Runs `mm bucket init --json`. */
  init(args: readonly string[], more?: Partial<Context>): Promise<MmDone>;
}

export async function openLab(
  t: TestContext,
  kind: Kind,
  options: Partial<S3ServerOptions> = {},
): Promise<Lab> {
  const server = await startS3Server({
    users: [{ ...ADMIN, policy: adminPolicy }],
    buckets: [BUCKET],
    ...(kind !== 'http' && { tls: certificate }),
    bucketOf: (host) => (host === AT_AWS ? BUCKET : undefined),
    ...options,
  });
  t.after(() => server.close());
  const proxy = await startForwardProxy({ tunnelTo: server.port });
  t.after(() => proxy[Symbol.asyncDispose]());
  const cwd = await temporaryDirectory(t);
  const s3 = {
    aws: { proxy: proxy.url, ca_file: authority.file },
    https: { endpoint: server.endpoint, ca_file: authority.file },
    http: { endpoint: server.endpoint },
  }[kind];
  const tree = { id: 'acme/ubuntu', environments: { stable: { ref: 'main' } } };
  const config = { bucket: BUCKET, s3: { ...s3, region: 'us-east-1' }, trees: { ubuntu: tree } };
  await writeFile(join(cwd, 'miyamoto.yaml'), JSON.stringify(config));
  return { server, init: (args, more) => runMm(cwd, ['bucket', 'init', ...args], more) };
}

/** The outcome of each setting. */
export function outcomes({ stdout, stderr }: MmDone): Record<string, string> {
  assert.notEqual(stdout, '', stderr);
  const { settings } = BucketAnswer.parse(JSON.parse(stdout));
  return Object.fromEntries(settings.map(({ name, outcome }) => [name, outcome]));
}

const SETTINGS = [
  'public access block',
  'ownership',
  'encryption',
  'versioning',
  'lifecycle of ubuntu/status/',
  'unfinished uploads to ubuntu/',
  'lifecycle of ubuntu/manifests/',
  'lifecycle of ubuntu/binaries/',
  'TLS only',
] as const;

/** All outcomes: those that a new bucket of a complete store has, and the given ones. */
export function expected(
  different: Readonly<Record<string, string>> = {},
  usual = 'set',
): Record<string, string> {
  const all = Object.fromEntries(SETTINGS.map((name) => [name, usual]));
  const same = { ...kept('ok'), 'conditional writes': 'ok' };
  return { bucket: 'ok', ...all, ...same, ...different };
}

/** The settings that are about rules of others. */
export function kept(outcome: string): Record<string, string> {
  const prefixes = ['ubuntu/manifests/', 'ubuntu/binaries/'];
  return Object.fromEntries(prefixes.map((prefix) => [`lifecycle of ${prefix}`, outcome]));
}

export function assertNothingLeft({ server }: Lab): void {
  assert.deepEqual([server.keys(BUCKET), server.versions(BUCKET)], [[], []]);
  assert.doesNotMatch(server.setting(BUCKET, 'policy') ?? '', /Trial/);
}

export function changes({ server }: Lab): string[] {
  return server.requests
    .filter(({ method }) => method !== 'GET' && method !== 'HEAD')
    .map(({ query }) => query);
}

/** A lifecycle rule of somebody else. */
export const OTHERS_RULE =
  '<Rule><ID>theirs</ID><Status>Enabled</Status><Filter><Prefix>logs/</Prefix></Filter>' +
  '<Expiration><Days>3</Days></Expiration></Rule>';
