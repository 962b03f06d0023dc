import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { metadataKey } from '../../../bucket/layout.ts';
import { endpointOf } from '../../../bucket/s3/effective-settings.ts';
import { openHostBucket } from '../../../bucket/s3/host/host-bucket.ts';
import { callerText } from '../../../bucket/s3/rights/caller.ts';
import { withStore } from '../../../bucket/s3/rights/store.ts';
import { credentialsOf } from '../../../bucket/s3/setting-origins.ts';
import { type Check, tried } from '../../../shared/doctor/checks.ts';
import { orUndefined } from '../../../shared/files.ts';
import { SET_CLOCK } from '../../../shared/set-clock.ts';
import { copyKept, readClockFloor } from '../../../trust/kept/trust-directory.ts';
import { daysToExpiry } from '../../../trust/metadata/expiry.ts';
import { bucketSource } from '../../../trust/metadata/source.ts';
import { refresh } from '../../../trust/reader.ts';
import { systemClock } from '../../io/clock.ts';
import { readPackagedSeeds } from '../../io/host/packaged-seeds.ts';
import type { Log } from '../../ports.ts';
import { readRoot } from '../open-host.ts';
import type { ConfiguredHost } from './configured-host.ts';
import { checkRights } from './rights-check.ts';

const DAY_MS = 86_400_000;

/** Whether this host gets what it needs of the bucket, and no more. Changes nothing. */
export async function checkBucket(
  checks: Check[],
  host: ConfiguredHost,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  await checkCredentials(checks, host, env);
  checkFloor(checks, host);
  const bucket = await openHostBucket(host.config.bucket, host.config.s3, env);
  try {
    const isThere = await tried(checks, 'bucket', async () => {
      const { bucket: name, tree, s3 } = host.config;
      const key = metadataKey(tree, 'timestamp.json');
      const startedAt = performance.now();
      const { serverDate } = await bucket.get(key, { maxBytes: 16 * 1024 });
      const took = Math.round(performance.now() - startedAt);
      checkClock(checks, serverDate);
      const place = (await endpointOf(s3, env)) ?? `AWS in ${s3.region ?? env['AWS_REGION']}`;
      return { value: true, message: `s3://${name}/${tree} at ${place} answers in ${took} ms` };
    });
    // Everything else would fail for the same reason.
    if (isThere !== true) return;
    await checkMetadata(checks, host, bucket);
    await checkRights(checks, host);
  } finally {
    bucket.close();
  }
}

/** The key itself is not secret, but a part of it is enough to recognize it. */
async function checkCredentials(
  checks: Check[],
  { config }: ConfiguredHost,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  await tried(checks, 'credentials', async () => {
    const { value, place } = credentialsOf(config.s3, env);
    const from = [value === 'hidden' ? undefined : value, place].filter(Boolean).join(' ');
    const { found, caller } = await withStore(config.bucket, config.s3, async (store) => {
      const found = await store.request('read', '', (client) => client.config.credentials());
      return { found, caller: await callerText(store, found, config.s3, env) };
    });
    const { accessKeyId: id, expiration } = found;
    const shown = `${id.slice(0, 4)}...${id.slice(-4)}`;
    const until = expiration === undefined ? '' : `, until ${expiration.toISOString()}`;
    const who = caller === undefined ? '' : `, of ${caller}`;
    return { value: undefined, message: `access key ${shown} from ${from}${until}${who}` };
  });
}

/** S3 refuses requests from 15 minutes on. A smaller offset is already a fault. */
const CLOCK_IS_OFF_SECONDS = 60;

function checkClock(checks: Check[], serverDate: number | undefined): void {
  const name = 'clock';
  if (serverDate === undefined) {
    const message = 'the bucket does not say its time';
    checks.push({ name, outcome: 'ok', message, next: null });
    return;
  }
  const seconds = Math.round((systemClock.now() - serverDate) / 1000);
  const isOff = Math.abs(seconds) >= CLOCK_IS_OFF_SECONDS;
  const message = `${Math.abs(seconds)} s ${seconds < 0 ? 'behind' : 'ahead of'} that of the bucket`;
  const next = isOff ? SET_CLOCK : null;
  checks.push({ name, outcome: isOff ? 'failed' : 'ok', message, next });
}

function checkFloor(checks: Check[], { paths }: ConfiguredHost): void {
  const floor = readClockFloor(paths.trust);
  const isAhead = floor > systemClock.now() + DAY_MS;
  const message =
    floor === 0 ? 'none is kept yet' : `never before ${new Date(floor).toISOString()}`;
  checks.push({
    name: 'clock floor',
    outcome: isAhead ? 'failed' : 'ok',
    message: isAhead ? `${message}, ahead of the clock of this machine` : message,
    next: isAhead ? 'date; if the clock is right: mm-agent reset-clock' : null,
  });
}

/** The daily job of a tree renews earlier than this. */
const EXPIRES_SOON_DAYS = 7;

/** Verifies what the bucket has as this host would, on a copy of what it trusts. */
async function checkMetadata(
  checks: Check[],
  { config, identity, paths }: ConfiguredHost,
  bucket: Parameters<typeof bucketSource>[0],
): Promise<void> {
  await tried(checks, 'metadata', async () => {
    const packagedRoot = readRoot(paths);
    const directory = mkdtempSync(join(tmpdir(), 'mm-doctor-'));
    try {
      // A cycle may replace a file of it meanwhile. What is missing then is read from the bucket.
      orUndefined(() => copyKept(paths.trust, directory));
      const seeds = readPackagedSeeds(paths, SILENT);
      const { trusted } = await refresh({
        ...{ directory, packagedRoot, environments: [identity.environment], clock: systemClock },
        ...(seeds === undefined ? {} : { packagedSeeds: seeds }),
        source: bucketSource(bucket, config.tree),
        etag: undefined,
      });
      const days = Object.entries(daysToExpiry(trusted.expires, systemClock.now()));
      const roles = days.map(([role, left]) => {
        return `${role} ${trusted.versions[role]} for ${left} days`;
      });
      const soon = days.filter(([, left]) => left < EXPIRES_SOON_DAYS).map(([role]) => role);
      const message = `verified: ${roles.join(', ')}`;
      if (soon.length === 0) return { value: undefined, message };
      const next = `mm renew, where the keys are: ${soon.join(', ')}`;
      return { value: undefined, outcome: 'warning', message, next };
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
}

const SILENT: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
