import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { meaningfulDigest } from '../../agent/core/status/status.ts';
import type { ApplyRequest } from '../../agent/ports.ts';
import { activeRelease } from '../../agent/steps/activate.ts';
import { StatusDocument } from '../../bucket/documents/status.ts';
import { blobKey, hostStatusKey, metadataKey } from '../../bucket/layout.ts';
import { makeAuthority } from './certificates.ts';
import { HostInProcess, type Turn } from './host-in-process.ts';
import { noise } from './release-example.ts';
import { FAULT_KINDS, SILENT } from './s3/fault-kinds.ts';
import { machinePolicy } from './s3/policy.ts';
import { type S3Server, startS3Server } from './s3/server.ts';
import { tarArchive } from './tar-writer.ts';
import { TufSimulator } from './tuf/simulator.ts';
import { sha256 } from './tuf/simulator-keys.ts';

const BUCKET = 'fleet';
const TREE = 'ubuntu';
const CERTNAME = 'web1.example.com';
const STATUS_KEY = hostStatusKey(TREE, CERTNAME);
const USER = { accessKeyId: 'MACHINE', secretAccessKey: 'machine-secret' };
const MINUTE_MS = 60_000;

/** The requests that a fault is for. */
export const TARGETS = {
  everything: /./,
  'timestamp.json': /timestamp\.json$/,
  'a newer root': /root\.json$/,
  'snapshot.json': /snapshot\.json$/,
  'a role': /(targets|env-\w+)\.json$/,
  'the tarball': /\.tar\.gz$/,
  'the facts': /\/facts\//,
  'the status': /\/status\//,
} as const;

export interface RandomFault {
  readonly kind: string;
  readonly target: keyof typeof TARGETS;
  readonly times: number;
}

/** What stands between the host and its bucket. */
export const WAYS = ['open', 'refused', 'no name', 'wrong certificate', 'another time'] as const;

export type Step =
  | { readonly do: 'publish'; readonly rotates: boolean }
  | {
      readonly do: 'turn';
      readonly trigger: Turn['trigger'];
      readonly way: (typeof WAYS)[number];
      readonly faults: readonly RandomFault[];
      readonly isLight: boolean;
      readonly attempts: number;
      readonly minutes: number;
      /** The publisher is at work at the same time: it publishes before this request. */
      readonly publishesAt: number | undefined;
    };

/** A store with a fault switch, and another one whose certificate is wrong. */
export async function openStores(t: TestContext) {
  // The SDK's client finds them here.
  process.env['AWS_ACCESS_KEY_ID'] = USER.accessKeyId;
  process.env['AWS_SECRET_ACCESS_KEY'] = USER.secretAccessKey;
  const users = [{ ...USER, policy: machinePolicy({ bucket: BUCKET, tree: TREE }) }];
  await using authority = await makeAuthority('Nobody');
  const tls = await authority.issue(['elsewhere.example.com']);
  const open = await startS3Server({ users, buckets: [BUCKET] });
  const impostor = await startS3Server({ users, buckets: [BUCKET], tls });
  const gone = await startS3Server({ users, buckets: [] });
  const refused = gone.endpoint;
  await gone.close();
  t.after(async () => await Promise.all([open.close(), impostor.close()]));
  const endpoints = {
    open: open.endpoint,
    refused,
    // Longer than a label may be, so no resolver is asked.
    'no name': `http://${'s3'.repeat(40)}.example.com`,
    'wrong certificate': impostor.endpoint,
    'another time': open.endpoint,
  };
  return { server: open, endpoints };
}

/** A publisher, a host, and what must hold at any time. */
export class Play implements Disposable {
  readonly #stores: Awaited<ReturnType<typeof openStores>>;
  readonly #simulator = new TufSimulator();
  readonly #host: HostInProcess;
  /** What was published, oldest first: sha256, and the files of the release. */
  readonly #published = new Map<string, Readonly<Record<string, string>>>();
  #activeAt = -1;
  #timestampVersion = 0;
  runs = 0;

  constructor(stores: Awaited<ReturnType<typeof openStores>>, isPuppetReal: boolean) {
    this.#stores = stores;
    for (const key of this.#server.keys(BUCKET)) this.#server.delete(BUCKET, key);
    this.#host = new HostInProcess({
      user: USER,
      packagedRoot: this.#simulator.files.get('1.root.json')!,
      config: `bucket: ${BUCKET}\ntree: ${TREE}\ncertname: ${CERTNAME}\ns3: { region: us-east-1, allow_plain_http: true }\nlog: { level: error }\n`,
      onRun: isPuppetReal ? undefined : (request) => this.#checkRun(request),
    });
    this.publish(false);
  }

  [Symbol.dispose](): void {
    this.#host[Symbol.dispose]();
  }

  get #server(): S3Server {
    return this.#stores.server;
  }

  publish(rotates: boolean): void {
    const version = `1.${this.#published.size}.0`;
    const files = {
      'manifests/site.pp': `notice('${version}')\n`,
      'modules/base/files/noise': noise(3000, version).toString('base64'),
      'modules/base/manifests/init.pp': 'class base { }\n',
    };
    const entries = Object.entries(files).map(([path, content]) => ({ path, content }));
    const bytes = gzipSync(tarArchive(entries), { level: 1 });
    this.#published.set(sha256(bytes), files);
    if (rotates) this.#simulator.rotateOnline('timestamp', 'snapshot');
    this.#simulator.publish('stable', version, { bytes });
    for (const [digest, blob] of this.#simulator.blobs)
      this.#server.put(BUCKET, blobKey(TREE, digest), blob);
    for (const [file, content] of this.#simulator.files)
      this.#server.put(BUCKET, metadataKey(TREE, file), content);
  }

  async turn(turn: Extract<Step, { do: 'turn' }>): Promise<void> {
    const { trigger, way, faults, isLight, attempts, minutes, publishesAt } = turn;
    const [kinds, targets] = [new Set<string>(), new Set<string>()];
    for (const each of faults) {
      // Byte by byte, a tarball has minutes; test/agent/steps/fetch/fetch.test.ts shortens them.
      if (each.kind === 'byte by byte' && /tarball|everything/.test(each.target)) continue;
      kinds.add(each.kind);
      targets.add(each.target);
      const { times } = each;
      this.#server.faults.add({
        ...FAULT_KINDS[each.kind]!,
        times,
        match: { key: TARGETS[each.target] },
      });
    }
    this.#server.dateOffsetMs = way === 'another time' ? 20 * MINUTE_MS : 0;
    this.#host.aheadMs += minutes * MINUTE_MS;
    const isSilent = [...kinds].some((each) => SILENT.has(each));
    let requests = 0;
    const { found, end } = await this.#host.turn({
      trigger,
      s3: {
        endpoint: this.#stores.endpoints[way],
        // A second attempt would wait as long as the store says.
        max_attempts: kinds.has('SlowDown for an hour') ? 1 : attempts,
        request_timeout: { seconds: isSilent ? 0.1 : 60 },
      },
      // The light client does not know this variable, so the SDK's client is used.
      env: isLight ? {} : { AWS_DEFAULTS_MODE: 'standard' },
      onRequest: () => {
        requests += 1;
        if (requests === publishesAt) this.publish(false);
      },
    });
    this.#server.faults.clear();
    this.#server.dateOffsetMs = 0;
    this.#checkHost();
    // After a wrong Date the next signature is wrong, and a broken connection breaks the next
    // request as well: the second attempt is right.
    const isMisled = attempts === 1 || [...kinds].some((each) => each.startsWith('a Date'));
    const isSpared = !targets.has('everything') && !targets.has('the status');
    const mayReport = way === 'open' && isSpared && !isSilent && !isMisled;
    if (mayReport && end !== undefined) this.#checkStatus();
    if (found?.kind === 'idle') this.#checkStatus();
  }

  /** The faults have ended, and their memory: a refused tarball is not tried again for an hour. */
  async end(): Promise<void> {
    const plain = {
      do: 'turn',
      faults: [],
      isLight: true,
      attempts: 1,
      publishesAt: undefined,
    } as const;
    await this.turn({ ...plain, trigger: 'poll', way: 'open', minutes: 61 });
    const newest = [...this.#published.keys()].at(-1);
    assert.equal(activeRelease(this.#host.paths, 'stable'), newest);
    const status = this.sentStatus();
    assert.deepEqual(
      [status.release?.sha256, status.trust.state, status.trust.error, status.run?.status],
      [newest, 'ok', null, 'unchanged'],
    );
    assert.equal(this.#host.state()?.lastRunRelease, newest);
    const left = readdirSync(this.#host.paths.state, { recursive: true, encoding: 'utf8' });
    // What arrived of a release that was replaced meanwhile may still be useful after a rollback.
    const isKept = /^blobs\/[0-9a-f]{64}\.[\w-]+\.unverified$/;
    const odd = left.filter((name) =>
      /\.(tmp|partial|deleting|next|unverified|tar\.gz)$/.test(name),
    );
    assert.deepEqual(
      odd.filter((name) => !isKept.test(name)),
      [],
    );
    assert.ok(odd.length <= 1, 'the newest of them stays');
  }

  /** For the reader of a failure. */
  said(): string {
    const told = this.#host.log.lines.filter(({ level }) => level !== 'debug');
    return told.map(({ event, fields }) => `${event} ${JSON.stringify(fields)}`).join('\n');
  }

  #checkRun({ environmentPath, environment }: ApplyRequest): void {
    this.runs += 1;
    const sha = this.#checkHost();
    assert.ok(sha !== undefined);
    this.#checkTree(join(environmentPath, environment), sha);
  }

  /** On a verified release, complete, and never back. */
  #checkHost(): string | undefined {
    const { paths } = this.#host;
    const active = activeRelease(paths, 'stable');
    const at = [...this.#published.keys()].indexOf(active ?? '');
    assert.ok(at >= this.#activeAt, `from release ${this.#activeAt} to ${at}: ${active}`);
    this.#activeAt = at;
    if (active !== undefined) this.#checkTree(join(paths.environments, 'stable'), active);
    const kept = join(paths.trust, 'current', 'timestamp.json');
    const { signed } = JSON.parse(this.#host.readIfThere(kept) ?? '{"signed":{"version":0}}') as {
      signed: { version: number };
    };
    assert.ok(signed.version >= this.#timestampVersion, 'the metadata went back');
    this.#timestampVersion = signed.version;
    assert.deepEqual(
      this.#host.state()?.bad ?? [],
      [],
      'the network is not the fault of a release',
    );
    return active;
  }

  #checkTree(tree: string, sha: string): void {
    const files = Object.entries(this.#published.get(sha) ?? {});
    assert.notEqual(files.length, 0);
    for (const [path, content] of files)
      assert.equal(this.#host.readIfThere(join(tree, path)), content);
  }

  /** What the bucket has is what the host has to say. */
  #checkStatus(): void {
    const kept = StatusDocument.parse(this.#host.state()?.status);
    const meant = (status: StatusDocument) => meaningfulDigest({ ...status, factsDigest: null });
    assert.equal(meant(this.sentStatus()), meant(kept));
  }

  sentStatus(): StatusDocument {
    const bytes = this.#server.get(BUCKET, STATUS_KEY);
    assert.ok(bytes !== undefined, 'no status has arrived');
    return StatusDocument.parse(JSON.parse(String(bytes)));
  }
}
