/**
 * The ETag when it is a strong one of plain characters, quotes included; undefined for every other
 * value. The strict form matters. A store that follows RFC 9110 answers `If-None-Match: *` with 304
 * forever, so a host that kept `*` would never see a release again; and `If-Match: *` overwrites
 * whatever is there. A publisher sends the value without its quotes (Ceph), so `"*"` is refused
 * too.
 */
export function strongEtag(value: unknown): string | undefined {
  return typeof value === 'string' && /^"[\w+/=.:~-]{1,128}"$/.test(value) ? value : undefined;
}
