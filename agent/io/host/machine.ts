import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { orUndefined, readNamed } from '../../../shared/files.ts';

const MAX_BYTES = 4096;
/** In ms. The program usually needs a few milliseconds. */
const IOREG_LIMIT_MS = 5000;

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

/**
 * Texts that are not an id: an image has `uninitialized` until its first boot (machine-id(5)), and
 * makers of boards write words, or a UUID of one digit.
 */
const NO_ID =
  /^(?:uninitialized|none|n\/a|unknown|default string|to be filled.*|not? .*|([0f])(?:\1|-)*)$/;

/**
 * Digests of the ids of the machine, separated by dots. The part of an id that the machine does not
 * have is empty. Null when it has no ids.
 */
export function machineDigest(root: string): string | null {
  const ids = isMac(root) ? [platformUuid()] : ID_FILES.map((path) => idIn(join(root, path)));
  if (ids.every((id) => id === undefined)) return null;
  return ids.map((id) => (id === undefined ? '' : digestOf(id))).join('.');
}

function digestOf(id: string): string {
  return createHash('sha256').update(id).digest('hex').slice(0, 32);
}

/** A test's root has files on a Mac as well. */
function isMac(root: string): boolean {
  return process.platform === 'darwin' && root === '/';
}

/** In lower case: kernels have written the same UUID in both. */
function idIn(path: string): string | undefined {
  const text = orUndefined(() => readNamed(path, MAX_BYTES).toString().trim().toLowerCase());
  return text !== undefined && text !== '' && !NO_ID.test(text) ? text : undefined;
}

/** macOS has no file with an id. The UUID of the logic board is in the registry of devices. */
function platformUuid(): string | undefined {
  const args = ['-rd1', '-c', 'IOPlatformExpertDevice'];
  const text = orUndefined(() =>
    execFileSync('/usr/sbin/ioreg', args, {
      encoding: 'utf8',
      timeout: IOREG_LIMIT_MS,
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  );
  return text && uuidOf(text);
}

/** The UUID in the output of `ioreg`. Undefined when the output has no UUID. */
export function uuidOf(ioreg: string): string | undefined {
  return /"IOPlatformUUID" = "([0-9A-Fa-f-]{36})"/.exec(ioreg)?.[1];
}
