import type { Agent } from '../agent/agent.ts';
import type { Prefetched } from '../agent/core/poll-result.ts';
import { blobKey, hostStatusKey, metadataKey } from '../bucket/layout.ts';
import { CodedError } from '../shared/coded-error.ts';
import { sampleStatus } from '../test/support/status-sample.ts';
import { environmentRole } from '../trust/metadata/role-names.ts';

const MAX_BYTES = 1024 * 1024;

/**
 * Sends the requests of a cycle that takes a release, in the same order, and does nothing else: for
 * the hosts of the load test that exceed the capacity of this machine. Returns the version of the
 * release.
 */
export async function askAsACycle(
  { ports, identity }: Agent,
  prefetched: Prefetched,
): Promise<string> {
  const { bucket } = ports;
  const get = async (file: string): Promise<Metadata> => {
    const answer = await bucket.get(metadataKey(identity.tree, file), { maxBytes: MAX_BYTES });
    if (answer.kind === 'not-modified') throw new Error(`${file}: not asked under a condition`);
    return JSON.parse(answer.bytes.toString()) as Metadata;
  };
  await get('2.root.json').catch((error: unknown) => {
    if (!(error instanceof CodedError && error.code === 'S3_ACCESS_DENIED')) throw error;
  });
  const timestamp = JSON.parse(prefetched.bytes.toString()) as Metadata;
  const snapshot = await get(`${versionOf(timestamp, 'snapshot.json')}.snapshot.json`);
  const role = `${environmentRole(identity.environment)}.json`;
  const [target] = Object.values(
    (await get(`${versionOf(snapshot, role)}.${role}`)).signed.targets,
  );
  if (target === undefined) throw new Error(`${role} names no release`);
  const { body } = await bucket.open(blobKey(identity.tree, target.hashes.sha256));
  await body.toArray();
  const status = JSON.stringify({ ...sampleStatus, certname: identity.certname });
  await bucket.put(hostStatusKey(identity.tree, identity.certname), Buffer.from(status));
  return target.custom.version;
}

interface Metadata {
  readonly signed: {
    readonly meta: Readonly<Record<string, { readonly version: number }>>;
    readonly targets: Readonly<
      Record<
        string,
        {
          readonly hashes: { readonly sha256: string };
          readonly custom: { readonly version: string };
        }
      >
    >;
  };
}

function versionOf({ signed }: Metadata, file: string): number {
  const version = signed.meta[file]?.version;
  if (version === undefined) throw new Error(`the metadata names no ${file}`);
  return version;
}
