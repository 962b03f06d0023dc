/**
 * Every object key. The layout `<tree>/{binaries,manifests,status}` is fixed, because IAM policies
 * say by prefix what a machine may read or write.
 */

/**
 * Metadata file names are TUF's, for example `3.env-stable.json`; only `timestamp.json` has no
 * version.
 */
export function metadataKey(tree: string, file: string): string {
  return `${metadataPrefix(tree)}${file}`;
}

export function metadataPrefix(tree: string): string {
  return `${tree}/manifests/metadata/`;
}

/** A release tarball, content-addressed by its sha256 in lower-case hex. */
export function blobKey(tree: string, sha256: string): string {
  return `${tree}/manifests/blobs/${sha256}.tar.gz`;
}

export function binaryKey(tree: string, path: string): string {
  return `${tree}/binaries/${path}`;
}

/** What happened on a host: the status document. */
export function hostStatusKey(tree: string, certname: string): string {
  return `${hostStatusPrefix(tree)}${certname}.json`;
}

export function hostStatusPrefix(tree: string): string {
  return `${tree}/status/hosts/`;
}

/** What facter collected on a host: the facts document. */
export function hostFactsKey(tree: string, certname: string): string {
  return `${tree}/status/facts/${certname}.json`;
}
