import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { orUndefined } from '../../../shared/files.ts';

/**
 * What tells two machines apart that were made from one image: the id that systemd makes at the
 * first boot, the one that the hypervisor gives, and the instance id that EC2 puts into the asset
 * tag. Each of them survives a reboot.
 */
const ID_FILES = [
  'etc/machine-id',
  'sys/class/dmi/id/product_uuid',
  'sys/class/dmi/id/board_asset_tag',
];

/** sha256 of the machine's ids, or null when it has none (macOS: the installer makes each host). */
export function machineDigest(root: string): string | null {
  const ids = ID_FILES.map((path) =>
    orUndefined(() => readFileSync(join(root, path), 'utf8').trim()),
  );
  if (ids.every((id) => id === undefined)) return null;
  return createHash('sha256').update(JSON.stringify(ids)).digest('hex');
}
