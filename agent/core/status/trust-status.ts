import type { StatusDocument } from '../../../bucket/documents/status.ts';
import type { CodedError } from '../../../shared/coded-error.ts';
import { daysToExpiry } from '../../../trust/expiry.ts';
import type { Offer } from '../decide.ts';

type TrustStatus = StatusDocument['trust'];

/** The `trust` part of the status after a refresh that was good. */
export function trustAfterRefresh(
  offer: Offer,
  metadata: {
    readonly versions: Readonly<Record<string, number>>;
    readonly expires: Readonly<Record<string, string>>;
  },
  clock: { readonly now: number; readonly serverDate: number | undefined },
): TrustStatus {
  return {
    state: stateOf(offer),
    error: null,
    versions: { ...metadata.versions },
    daysToExpiry: daysToExpiry(metadata.expires, clock.now),
    clockOffsetSeconds:
      clock.serverDate === undefined ? null : Math.round((clock.now - clock.serverDate) / 1000),
  };
}

/** The `trust` part after a refresh, or the taking of a release, that failed: what was known stays, the error is added. */
export function trustAfterError(last: TrustStatus | undefined, error: CodedError): TrustStatus {
  return {
    state: stateOfError(error),
    error: { code: error.code, message: error.message.slice(0, 1000) },
    versions: last?.versions ?? {},
    daysToExpiry: last?.daysToExpiry ?? {},
    clockOffsetSeconds: last?.clockOffsetSeconds ?? null,
  };
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
