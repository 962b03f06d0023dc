import { OTHERS_STATUS, type Right, tryRights } from '../../../bucket/s3/rights/rights.ts';
import { withStore } from '../../../bucket/s3/rights/store.ts';
import { type Check, tried } from '../../../shared/doctor/checks.ts';
import type { ConfiguredHost } from './configured-host.ts';

/**
 * Tries what the credentials of this host may do, and compares it with `mm policy machine`: it can
 * read its tree, cannot write it, and reads neither another tree nor a status. Changes nothing. A
 * refusal proves nothing where no object is known to exist.
 */
export async function checkRights(checks: Check[], host: ConfiguredHost): Promise<void> {
  const { config, identity, state, otherTree } = host;
  const wrong: Check[] = [];
  await tried(checks, 'permissions', async () => {
    const rights = await withStore(config.bucket, config.s3, (store) =>
      tryRights(store, {
        tree: config.tree,
        certname: identity.certname,
        hasStatus: state.uploaded !== null,
        otherTree: otherTree ?? `${config.tree}-other`.slice(-63),
        hasOtherTree: otherTree !== undefined,
      }),
    );
    // It depends on how hosts get their credentials, which this host does not know.
    const judged = rights.filter(({ name }) => name !== OTHERS_STATUS);
    const unproven = judged.filter(({ tried: { found } }) => found === 'unclear');
    wrong.push(...judged.flatMap(wrongRight));
    const proven = judged.length - unproven.length;
    const open = unproven.map(({ name }) => name).join(', ');
    const rest = open === '' ? '' : `; not proven: ${open} (--other-tree NAME names a second tree)`;
    const message = `${proven} of ${judged.length} rights were tried${rest}`;
    // In a store that ignores the conditions of a request.
    const left = rights.flatMap(({ tried: { left: found } }) => found ?? []).join(', ');
    if (left === '') return { value: undefined, message };
    const next = `mm forget, where status may be removed: ${left} is left behind`;
    return { value: undefined, outcome: 'warning', message, next };
  });
  checks.push(...wrong);
}

function wrongRight({ name, action, key, may, tried: { found, answer } }: Right): Check[] {
  const wanted = may.includes('machine') ? 'allowed' : 'refused';
  if (found === 'unclear' || found === wanted) return [];
  const next =
    wanted === 'allowed'
      ? `allow ${action} on ${key}, as mm policy machine prints it`
      : `these credentials need no ${action} on ${key || 'the bucket'}: mm policy machine`;
  const message = `wanted ${wanted}, found ${found} (${answer})`;
  return [{ name: `permission to ${name}`, outcome: 'failed', message, next }];
}
