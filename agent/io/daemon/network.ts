import { networkInterfaces } from 'node:os';
import { isOnThisMachine } from '../../../bucket/s3/plain-http.ts';
import type { Config } from '../../config/config.ts';

/**
 * Whether this machine has an address in a network, or needs none to reach the bucket. It sends no
 * request: a poll shows whether the bucket answers.
 */
export function hasNetwork(
  { endpoint, proxy }: Pick<Config['s3'], 'endpoint' | 'proxy'>,
  interfaces: ReturnType<typeof networkInterfaces> = networkInterfaces(),
): boolean {
  const first = proxy ?? endpoint;
  if (first !== undefined && isOnThisMachine(first)) return true;
  const addresses = Object.values(interfaces).flatMap((list) => list ?? []);
  return addresses.some(({ internal, address }) => !internal && !isLinkLocal(address));
}

/** An interface gives such an address to itself. A Mac always has some. */
function isLinkLocal(address: string): boolean {
  return address.startsWith('169.254.') || /^fe[89ab]/i.test(address);
}
