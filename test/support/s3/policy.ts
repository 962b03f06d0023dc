/**
 * The part of IAM's policy language that Miyamoto's policies use: a deny wins, and what nothing
 * allows is denied.
 */
export type Policy = readonly Statement[];

export interface Statement {
  readonly effect: 'Allow' | 'Deny';
  /** For example `s3:GetObject` or `s3:*`. */
  readonly actions: readonly string[];
  /** ARNs, for example `arn:aws:s3:::fleet/ubuntu/*`. */
  readonly resources: readonly string[];
  /** All must hold. A condition whose key the request does not have does not hold. */
  readonly conditions?: { readonly StringLike: { readonly 's3:prefix': readonly string[] } };
}

/** What a request needs to be allowed. */
export interface Access {
  readonly action: string;
  readonly resource: string;
  /** The prefix that is listed; undefined where nothing is listed. */
  readonly prefix?: string;
}

export function isAllowed(policy: Policy, access: Access): boolean {
  const effects = policy.filter((statement) => applies(statement, access)).map((s) => s.effect);
  return effects.includes('Allow') && !effects.includes('Deny');
}

function applies({ actions, resources, conditions }: Statement, access: Access): boolean {
  const prefixes = conditions?.StringLike['s3:prefix'];
  const { prefix } = access;
  return (
    actions.some((pattern) => like(pattern, access.action)) &&
    resources.some((pattern) => like(pattern, access.resource)) &&
    (prefixes === undefined || (prefix !== undefined && prefixes.some((p) => like(p, prefix))))
  );
}

function like(pattern: string, value: string): boolean {
  const expression = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${expression}$`, 's').test(value);
}

interface TreePlace {
  readonly bucket: string;
  readonly tree: string;
}

export function bucketArn(bucket: string): string {
  return `arn:aws:s3:::${bucket}`;
}

export function objectArn(bucket: string, key: string): string {
  return `${bucketArn(bucket)}/${key}`;
}

/** A machine: reads manifests and binaries of its tree, writes status, lists nothing. */
export function machinePolicy({ bucket, tree }: TreePlace): Policy {
  return [
    allow(
      ['s3:GetObject'],
      [objectArn(bucket, `${tree}/manifests/*`), objectArn(bucket, `${tree}/binaries/*`)],
    ),
    allow(['s3:PutObject'], [objectArn(bucket, `${tree}/status/*`)]),
  ];
}

/**
 * A publisher: reads and writes manifests and binaries of its tree. May list, so that a missing key
 * is a 404.
 */
export function publisherPolicy({ bucket, tree }: TreePlace): Policy {
  return [
    allow(
      ['s3:GetObject', 's3:PutObject'],
      [objectArn(bucket, `${tree}/manifests/*`), objectArn(bucket, `${tree}/binaries/*`)],
    ),
    allow(['s3:ListBucket'], [bucketArn(bucket)]),
  ];
}

/** A reader: lists and reads the status of a tree, and reads its manifests. */
export function readerPolicy({ bucket, tree }: TreePlace): Policy {
  return [
    allow(
      ['s3:GetObject'],
      [objectArn(bucket, `${tree}/status/*`), objectArn(bucket, `${tree}/manifests/*`)],
    ),
    {
      ...allow(['s3:ListBucket'], [bucketArn(bucket)]),
      conditions: { StringLike: { 's3:prefix': [`${tree}/status/*`] } },
    },
  ];
}

/** The owner of the account. */
export const adminPolicy: Policy = [allow(['s3:*'], ['arn:aws:s3:::*'])];

function allow(actions: readonly string[], resources: readonly string[]): Statement {
  return { effect: 'Allow', actions, resources };
}
