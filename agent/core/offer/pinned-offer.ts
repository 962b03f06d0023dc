import type { Selection } from '../../../trust/selection.ts';
import { type Pin, untilText } from '../when/pin.ts';
import type { Offer } from './offer.ts';

/**
 * Returns the selection that counts for a host that is pinned to another environment. A stop of its
 * own environment still counts, even one that was seen earlier and whose release is gone now. `own`
 * is the selection of the environment in agent.yaml, and `pinned` that of the other one.
 */
export function bindingSelection(
  own: Selection,
  pinned: Selection,
  wasStopped: boolean,
): Selection {
  const isStop = own.kind === 'stop' || (wasStopped && own.kind === 'nothing');
  return isStop ? own : pinned;
}

/**
 * Returns the offer for a host that is pinned to a release. Only an offered release is replaced: a
 * stop, a hold and an error stay as they are. `active` is the sha256 of the active release.
 */
export function pinnedOffer(
  offer: Offer,
  pin: Pin | undefined,
  { active, isInstalled }: { readonly active: string | undefined; readonly isInstalled: boolean },
): Offer {
  const release = pin?.release ?? null;
  if (pin === undefined || release === null || offer.kind !== 'offered') return offer;
  if (offer.sha256 === release.sha256) return offer;
  const isActive = active === release.sha256;
  if (!isActive && isInstalled) return { kind: 'offered', ...release };
  const gone = isActive ? '' : ', which is not on the disk any more';
  return {
    kind: 'held',
    state: 'pinned',
    why: `pinned to ${release.version}${gone}, ${untilText(pin)}`,
  };
}
