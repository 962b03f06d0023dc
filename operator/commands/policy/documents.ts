import {
  binaryPrefix,
  blobPrefix,
  hostFactsKey,
  hostFactsPrefix,
  hostStatusKey,
  hostStatusPrefix,
  manifestPrefix,
  snapshotPrefix,
  statusPrefix,
} from '../../../bucket/layout.ts';

/*
 * The least rights in the bucket that hosts and people of one tree need. No policy reaches another
 * tree.
 */

/** An IAM policy, as AWS and Ceph read it. What no statement allows is refused. */
export interface PolicyDocument {
  readonly Version: '2012-10-17';
  readonly Statement: readonly Statement[];
}

export interface Statement {
  readonly Sid?: string;
  readonly Effect: 'Allow' | 'Deny';
  /** For example `s3:GetObject` or `s3:*`. */
  readonly Action: readonly string[];
  /** ARNs with wildcards, and with variables such as `${aws:PrincipalTag/certname}`. */
  readonly Resource: readonly string[];
  readonly Condition?: { readonly StringLike: { readonly 's3:prefix': readonly string[] } };
}

export interface PolicyPlace {
  /** ARN of the bucket or of its access point. */
  readonly bucket: string;
  /** What is between that ARN and a key: `/`, or `/object/` for an access point. */
  readonly separator: '/' | '/object/';
  readonly tree: string;
}

/**
 * How hosts get their credentials, and the certname in the objects that they may write. Undefined:
 * they may write those of every certname. A variable without a value makes its statement match
 * nothing. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
 */
export const HOST_NAMES = {
  'shared-user': undefined,
  // IAM copies the tags of a role to the sessions of its instance profile. It has no variable with
  // only the instance id: aws:userid and ec2:SourceInstanceARN contain ":", and no certname does.
  // biome-ignore lint/suspicious/noTemplateCurlyInString: IAM replaces it
  ec2: '${aws:PrincipalTag/certname}',
  // The common name of the certificate that the host signed in with.
  // biome-ignore lint/suspicious/noTemplateCurlyInString: IAM replaces it
  'roles-anywhere': '${aws:PrincipalTag/x509Subject/CN}',
} as const;
export type HostKind = keyof typeof HOST_NAMES;

/** Reads releases and binaries; writes status and facts, and cannot read them. Lists nothing. */
export function machinePolicy(place: PolicyPlace, kind: HostKind): PolicyDocument {
  const { tree } = place;
  return policy([
    allow('ReadReleases', ['s3:GetObject'], objects(place, below(releasePrefixes(tree)))),
    allow('WriteStatus', ['s3:PutObject'], objects(place, statusKeys(tree, HOST_NAMES[kind]))),
    {
      // On Ceph the writer of an object owns it, and may read it and change its ACL unless that is
      // denied.
      Sid: 'OnlyWriteStatus',
      Effect: 'Deny',
      Action: ['s3:GetObject', 's3:GetObjectAcl', 's3:PutObjectAcl'],
      Resource: objects(place, below([statusPrefix(tree)])),
    },
  ]);
}

/** Reads, writes and lists releases and binaries. Has no right to status. */
export function publisherPolicy(place: PolicyPlace): PolicyDocument {
  const prefixes = releasePrefixes(place.tree);
  return policy([
    allow('WriteReleases', ['s3:GetObject', 's3:PutObject'], objects(place, below(prefixes))),
    // A large binary is uploaded in parts. s3:PutObject is enough to begin and to complete that.
    allow(
      'ContinueUploads',
      ['s3:ListMultipartUploadParts', 's3:AbortMultipartUpload'],
      objects(place, below([binaryPrefix(place.tree)])),
    ),
    allowList('ListReleases', place, prefixes),
  ]);
}

/** Reads and lists status and facts, and reads the releases that they name. Writes nothing. */
export function readerPolicy(place: PolicyPlace): PolicyDocument {
  const { tree } = place;
  return policy([
    allow(
      'ReadStatus',
      ['s3:GetObject'],
      objects(place, below([statusPrefix(tree), manifestPrefix(tree)])),
    ),
    allowList('ListStatus', place, [statusPrefix(tree)]),
  ]);
}

/** A reader who also writes the snapshot that `mm fleet snapshot` makes. */
export function reporterPolicy(place: PolicyPlace): PolicyDocument {
  const snapshots = objects(place, below([snapshotPrefix(place.tree)]));
  const { Statement } = readerPolicy(place);
  return policy([...Statement, allow('WriteSnapshot', ['s3:PutObject'], snapshots)]);
}

/**
 * Removes old tarballs and binaries by `mm clean`, and what hosts reported by `mm forget`. Attached
 * beside the policy of a publisher or a reader.
 */
export function cleanerPolicy(place: PolicyPlace): PolicyDocument {
  const { tree } = place;
  const old = objects(place, below([blobPrefix(tree), binaryPrefix(tree)]));
  return policy([
    allow('RemoveOld', ['s3:DeleteObject'], old),
    allow('RemoveHosts', ['s3:DeleteObject'], objects(place, statusKeys(tree, undefined))),
  ]);
}

/** The wildcard must be last: on Ceph 16 "*.json" does not match a name that has more dots. */
function statusKeys(tree: string, certname: string | undefined): readonly string[] {
  if (certname === undefined) return below([hostStatusPrefix(tree), hostFactsPrefix(tree)]);
  return [hostStatusKey(tree, certname), hostFactsKey(tree, certname)];
}

function releasePrefixes(tree: string): readonly string[] {
  return [manifestPrefix(tree), binaryPrefix(tree)];
}

function policy(statements: readonly Statement[]): PolicyDocument {
  return { Version: '2012-10-17', Statement: statements };
}

function allow(Sid: string, Action: readonly string[], Resource: readonly string[]): Statement {
  return { Sid, Effect: 'Allow', Action, Resource };
}

function allowList(sid: string, place: PolicyPlace, prefixes: readonly string[]): Statement {
  return {
    ...allow(sid, ['s3:ListBucket'], [place.bucket]),
    Condition: { StringLike: { 's3:prefix': below(prefixes) } },
  };
}

function below(prefixes: readonly string[]): string[] {
  return prefixes.map((prefix) => `${prefix}*`);
}

function objects({ bucket, separator }: PolicyPlace, keys: readonly string[]): string[] {
  return keys.map((key) => `${bucket}${separator}${key}`);
}
