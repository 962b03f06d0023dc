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

/** Signed metadata. */
export function metadataPrefix(tree: string): string {
  return `${manifestPrefix(tree)}metadata/`;
}

/** Metadata and tarballs: what publishers write and hosts read. */
export function manifestPrefix(tree: string): string {
  return `${tree}/manifests/`;
}

/** A release tarball, content-addressed by its sha256 in lower-case hex. */
export function blobKey(tree: string, sha256: string): string {
  return `${blobPrefix(tree)}${sha256}.tar.gz`;
}

/** Tarballs of releases, by their sha256. */
export function blobPrefix(tree: string): string {
  return `${manifestPrefix(tree)}blobs/`;
}

/**
 * A file that manifests need, such as a package. The sha256, in lower-case hex, gives other content
 * another key; the name is for people who look into the bucket.
 */
export function binaryKey(tree: string, { sha256, name }: BinaryFile): string {
  return `${binaryPrefix(tree)}${sha256}.${name}`;
}

export interface BinaryFile {
  readonly sha256: string;
  readonly name: string;
}

/** Files that manifests need. */
export function binaryPrefix(tree: string): string {
  return `${tree}/binaries/`;
}

/** The status document of a host. */
export function hostStatusKey(tree: string, certname: string): string {
  return `${hostStatusPrefix(tree)}${certname}.json`;
}

/** Status documents of all hosts. */
export function hostStatusPrefix(tree: string): string {
  return `${statusPrefix(tree)}hosts/`;
}

/** The facts document of a host: what Facter collected. */
export function hostFactsKey(tree: string, certname: string): string {
  return `${hostFactsPrefix(tree)}${certname}.json`;
}

/** Facts documents of all hosts. */
export function hostFactsPrefix(tree: string): string {
  return `${statusPrefix(tree)}facts/`;
}

/**
 * A file of the snapshot that `mm fleet snapshot` makes of all statuses. Hosts may write below
 * `status/hosts/` and `status/facts/` only, and read nothing below `status/`.
 */
export function snapshotKey(tree: string, name: string): string {
  return `${snapshotPrefix(tree)}v1/latest/${name}`;
}

/** The table of hosts in the last snapshot of a day. Athena takes the day (UTC) from the key. */
export function snapshotDayKey(tree: string, day: string): string {
  return `${snapshotDaysPrefix(tree)}dt=${day}/hosts.parquet`;
}

export function snapshotDaysPrefix(tree: string): string {
  return `${snapshotPrefix(tree)}v1/daily/`;
}

/** Snapshots of all statuses. */
export function snapshotPrefix(tree: string): string {
  return `${statusPrefix(tree)}fleet/`;
}

/** Status and facts of all hosts. */
export function statusPrefix(tree: string): string {
  return `${tree}/status/`;
}
