import type { StatusDocument } from '../../bucket/documents/status.ts';
import { hostStatusKey } from '../../bucket/layout.ts';
import { CodedError } from '../../shared/coded-error.ts';
import type { HostState } from '../core/state.ts';
import { expectedEtag, failedCondition, seenAgain } from '../core/status/other-writer.ts';
import { meaningfulDigest } from '../core/status/status.ts';
import type { Log, Ports } from '../ports.ts';

/** The headers of both documents that a host writes. */
export const JSON_TYPE = { contentType: 'application/json', cacheControl: 'no-store' } as const;

/** The part of the state that an upload changes. */
type Sent = Pick<HostState, 'status' | 'uploaded'>;

/**
 * Writes the status to the bucket on the condition that its ETag is still that of `uploaded`, the
 * last write of this host. When another machine has written it, the status reports that and is
 * written without a condition, so that no status is lost. Returns the changes of the state. Throws
 * the errors of the bucket.
 */
export async function sendStatus(
  ports: Pick<Ports, 'bucket' | 'clock' | 'log'>,
  status: StatusDocument,
  uploaded: HostState['uploaded'],
): Promise<Sent> {
  const now = ports.clock.now();
  const key = hostStatusKey(status.tree, status.certname);
  const put = async (document: StatusDocument, ifMatch?: string): Promise<Sent> => {
    const bytes = Buffer.from(`${JSON.stringify(document)}\n`);
    const { etag } = await ports.bucket.put(key, bytes, {
      ...JSON_TYPE,
      ...(ifMatch !== undefined && { ifMatch }),
    });
    ports.log.debug('status.sent', { key });
    const at = new Date(now).toISOString();
    return {
      status: { ...document, offline: { runs: 0, skipped: 0 } },
      uploaded: { at, digest: meaningfulDigest(document), etag: etag ?? null },
    };
  };
  const expected = expectedEtag(uploaded, now);
  if (expected === undefined) return refused(await put(status), uploaded?.refusedAt);
  try {
    return await put(status, expected);
  } catch (error) {
    switch (error instanceof CodedError ? failedCondition(error) : undefined) {
      case 'other-writer':
        logOtherWriter(ports.log, status);
        return await put({ ...status, otherWriter: seenAgain(status.otherWriter, now) });
      case 'in-doubt':
        return await put(status);
      case 'refused':
        return refused(await put(status), new Date(now).toISOString());
      case undefined:
        throw error;
    }
  }
}

/** Remembers that the bucket refuses the condition, so that it is left out for a while. */
function refused(sent: Sent, refusedAt: string | undefined): Sent {
  if (refusedAt === undefined || sent.uploaded === null) return sent;
  return { ...sent, uploaded: { ...sent.uploaded, refusedAt } };
}

function logOtherWriter(log: Log, { certname, hostId }: StatusDocument): void {
  const why = 'another machine writes the status of this certname';
  const next = 'give each machine its own certname, or stop the agent on one of them';
  log.warn('status.other-writer', { why, certname, hostId, next });
}
