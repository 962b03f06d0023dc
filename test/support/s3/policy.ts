import { z } from 'zod';
import {
  cleanerPolicy as cleanerDocument,
  type HostKind,
  machinePolicy as machineDocument,
  type PolicyPlace,
  publisherPolicy as publisherDocument,
  readerPolicy as readerDocument,
  reporterPolicy as reporterDocument,
  type Statement,
} from '../../../operator/commands/policy/documents.ts';
import { S3Refusal } from './reply.ts';

/**
 * Judges the part of IAM's policy language that Miyamoto's policies use: a deny wins, and what
 * nothing allows is denied.
 */
export type Policy = readonly (Statement | BucketStatement)[];

/** What the server accepts in policies of buckets: no more than it judges. */
const BucketPolicy = z.strictObject({
  Version: z.literal('2012-10-17'),
  Id: z.string().optional(),
  Statement: z.array(
    z.strictObject({
      Sid: z.string().optional(),
      Effect: z.enum(['Allow', 'Deny']),
      Principal: z.union([z.literal('*'), z.strictObject({ AWS: z.literal('*') })]),
      Action: z.union([z.string(), z.array(z.string())]),
      Resource: z.union([z.string(), z.array(z.string())]),
      Condition: z
        .strictObject({
          Bool: z.strictObject({ 'aws:SecureTransport': z.enum(['true', 'false']) }),
        })
        .optional(),
    }),
  ),
});
export type BucketStatement = z.infer<typeof BucketPolicy>['Statement'][number];

/** Throws S3Refusal: 400 for what is not JSON, 501 for a policy that is not judged here. */
export function parseBucketPolicy(body: Buffer): readonly BucketStatement[] {
  const value = json(body);
  if (value === undefined) throw new S3Refusal(400, 'MalformedPolicy');
  const { data } = BucketPolicy.safeParse(value);
  if (data === undefined) throw new S3Refusal(501, 'NotImplemented');
  return data.Statement;
}

function json(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

/** What a request needs to be allowed. */
export interface Access {
  readonly action: string;
  readonly resource: string;
  /** The prefix that is listed; undefined where nothing is listed. */
  readonly prefix?: string;
  /** Whether the request came over TLS; undefined: no statement asks. */
  readonly isSecure?: boolean;
}

/** Tags of the principal, by name, for the variables `${aws:PrincipalTag/NAME}`. */
export type Tags = Readonly<Record<string, string>>;

/** Whether the policy allows the request of a principal with these tags. */
export function isAllowed(policy: Policy, access: Access, tags: Tags = {}): boolean {
  const effects = policy
    .filter((statement) => applies(statement, access, tags))
    .map(({ Effect }) => Effect);
  return effects.includes('Allow') && !effects.includes('Deny');
}

function applies(statement: Policy[number], access: Access, tags: Tags): boolean {
  return (
    [statement.Action].flat().some((pattern) => like(pattern, access.action)) &&
    [statement.Resource].flat().some((pattern) => like(pattern, access.resource, tags)) &&
    holds(statement.Condition, access)
  );
}

/** A condition does not hold when the request does not have its key. */
function holds(condition: Policy[number]['Condition'], { prefix, isSecure }: Access): boolean {
  if (condition === undefined) return true;
  if ('Bool' in condition) return String(isSecure) === condition.Bool['aws:SecureTransport'];
  const prefixes = condition.StringLike['s3:prefix'];
  return prefix !== undefined && prefixes.some((p) => like(p, prefix));
}

/** A variable without a value matches nothing; wildcards in a value are plain characters. */
function like(pattern: string, value: string, tags: Tags = {}): boolean {
  const parts = pattern.split(/\$\{aws:PrincipalTag\/([^}]+)\}/);
  const expressions = parts.map((part, n) => {
    if (n % 2 === 0) return escaped(part).replaceAll('\\*', '.*').replaceAll('\\?', '.');
    const tag = Object.hasOwn(tags, part) ? tags[part] : undefined;
    return tag === undefined ? '(?!)' : escaped(tag);
  });
  return new RegExp(`^${expressions.join('')}$`, 's').test(value);
}

function escaped(text: string): string {
  return text.replace(/[.*?+^${}()|[\]\\]/g, '\\$&');
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

/** As `mm policy machine` prints it. */
export function machinePolicy(place: TreePlace, kind: HostKind = 'shared-user'): Policy {
  return machineDocument(policyPlace(place), kind).Statement;
}

/** As `mm policy publisher` prints it. */
export function publisherPolicy(place: TreePlace): Policy {
  return publisherDocument(policyPlace(place)).Statement;
}

/** As `mm policy reader` prints it. */
export function readerPolicy(place: TreePlace): Policy {
  return readerDocument(policyPlace(place)).Statement;
}

/** As `mm policy reporter` prints it: a reader's, and the snapshot. */
export function reporterPolicy(place: TreePlace): Policy {
  return reporterDocument(policyPlace(place)).Statement;
}

/** As `mm policy cleaner` prints it. */
export function cleanerPolicy(place: TreePlace): Policy {
  return cleanerDocument(policyPlace(place)).Statement;
}

/** The owner of the account. */
export const adminPolicy: readonly Statement[] = [
  { Effect: 'Allow', Action: ['s3:*'], Resource: ['arn:aws:s3:::*'] },
];

function policyPlace({ bucket, tree }: TreePlace): PolicyPlace {
  return { bucket: bucketArn(bucket), separator: '/', tree };
}
