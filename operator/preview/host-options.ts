import type { HostWish } from './catalogs/choose-hosts.ts';

/** Options of the commands that can compile catalogs of hosts. */
export interface HostOptions {
  readonly catalog?: readonly string[] | undefined;
  readonly sample?: number | undefined;
  readonly group?: string | undefined;
}

/** The hosts that these options ask for. */
export function hostWish({ catalog, sample, group }: HostOptions): HostWish {
  return { certnames: catalog ?? [], sample, group };
}

/** Whether these options ask for any host. */
export function hasHosts({ catalog, sample, group }: HostOptions): boolean {
  return catalog !== undefined || sample !== undefined || group !== undefined;
}
