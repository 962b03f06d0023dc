import type { StatusDocument } from '../../../bucket/documents/status.ts';
import type { CodedError } from '../../../shared/coded-error.ts';
import { daysToExpiry } from '../../../trust/metadata/expiry.ts';
import type { Findings } from '../findings.ts';
import type { Offer } from '../offer/offer.ts';

type TrustStatus = StatusDocument['trust'];

/** Per role. */
interface MetadataTimes {
  readonly versions: Readonly<Record<string, number>>;
  /** ISO 8601. */
  readonly expires: Readonly<Record<string, string>>;
}

/** The time of an answer of the bucket, by the clock of this host and by that of the bucket. */
interface Answered {
  readonly now: number;
  readonly serverDate: number | undefined;
}

/** The `trust` part of the status after a good refresh. */
export function trustAfterRefresh(
  offer: Offer,
  metadata: MetadataTimes,
  clock: Answered,
): TrustStatus {
  return {
    state: stateOf(offer),
    ...('why' in offer ? { why: offer.why.slice(0, 1000) } : {}),
    error: null,
    versions: { ...metadata.versions },
    daysToExpiry: daysToExpiry(metadata.expires, clock.now),
    clockOffsetSeconds: clockOffset(clock),
  };
}

/** The `trust` part after a failed refresh or install. Versions and expiry stay as they were. */
export function trustAfterError(last: TrustStatus | undefined, error: CodedError): TrustStatus {
  return {
    state: stateOfError(error),
    error: { code: error.code, message: error.message.slice(0, 1000) },
    versions: last?.versions ?? {},
    daysToExpiry: last?.daysToExpiry ?? {},
    clockOffsetSeconds: last?.clockOffsetSeconds ?? null,
  };
}

/**
 * Adds the clock offset, because a clock that is off can be the reason why metadata has expired.
 */
export function withClock(trust: TrustStatus, clock: Answered): TrustStatus {
  return { ...trust, clockOffsetSeconds: clockOffset(clock) ?? trust.clockOffsetSeconds };
}

function clockOffset({ now, serverDate }: Answered): number | null {
  return serverDate === undefined ? null : Math.round((now - serverDate) / 1000);
}

/** Adds the versions and the expiry of the metadata that was trusted before. */
export function withKnown(trust: TrustStatus, known: MetadataTimes, now: number): TrustStatus {
  return {
    ...trust,
    versions: { ...known.versions },
    daysToExpiry: daysToExpiry(known.expires, now),
  };
}

/** The `trust` part that a cycle found; undefined when it did not ask the bucket. */
export function trustOf({
  refresh,
  install,
}: Pick<Findings, 'refresh' | 'install'>): TrustStatus | undefined {
  if (install?.kind === 'failed') return trustAfterError(refresh?.trust, install.error);
  return refresh?.trust;
}

function stateOf(offer: Offer): string {
  switch (offer.kind) {
    case 'offered':
    case 'nothing':
      return 'ok';
    case 'held':
      return offer.state;
    case 'stopped':
      return 'stopped';
    case 'unknown':
      return 'error';
  }
}

function stateOfError(error: CodedError): string {
  if (error.code === 'METADATA_EXPIRED') return `metadata-expired:${String(error.details['role'])}`;
  return error.code.startsWith('S3_') ? 'unreachable' : 'error';
}
