import type { OfferedRelease } from '../../bucket/documents/release.ts';
import { type JsonObject, jsonObject } from '../../shared/json.ts';
import { type ReleaseSlot, releaseTarget } from '../../trust/metadata/role-names.ts';
import { readableContent } from './heard-releases.ts';
import { highestOf, highestVersion, withHighestVersion } from './highest-version.ts';
import type { RoleContent } from './signed-file.ts';
import type { VerifiedMetadata } from './verified.ts';

/** What an environment offers: to all of its hosts, and during a rollout to some of them. */
export type Slots = Readonly<Record<ReleaseSlot, OfferedRelease | undefined>>;

/**
 * The content of a role, to be signed again, without releases that hosts refuse. Empty when no
 * snapshot lists the role: a recovery found no file of it.
 */
export function contentOfRole(verified: VerifiedMetadata, role: string): RoleContent {
  const document = verified.roles.get(role);
  if (document === undefined) return { _type: 'targets', targets: {} };
  return readableContent(verified, role, document);
}

/**
 * The content of a role with other releases of one environment. Others in the role stay. When the
 * role says which version label was the highest, it goes on to say so.
 */
export function withSlots(
  content: RoleContent,
  environment: string,
  { current, next }: Slots,
): RoleContent {
  const paths = {
    current: releaseTarget(environment, 'current'),
    next: releaseTarget(environment, 'next'),
  };
  const { [paths.current]: _, [paths.next]: __, ...others } = jsonObject(content['targets']);
  const targets = {
    ...others,
    ...(current === undefined ? {} : { [paths.current]: targetOf(current) }),
    ...(next === undefined ? {} : { [paths.next]: targetOf(next) }),
  };
  const highest = highestVersion(content, environment);
  const changed = { ...content, targets };
  if (highest === undefined) return changed;
  const labels = [highest, current?.custom.version, next?.custom.version];
  return withHighestVersion(changed, environment, highestOf(labels));
}

function targetOf({ sha256, length, custom }: OfferedRelease): JsonObject {
  return { length, hashes: { sha256 }, custom };
}
