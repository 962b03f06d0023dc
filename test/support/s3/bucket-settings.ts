import { type BucketStatement, bucketArn, parseBucketPolicy } from './policy.ts';
import { S3Refusal, type S3Reply, xmlReply } from './reply.ts';
import type { S3Request } from './request.ts';
import type { S3Store } from './store.ts';

/** A setting of a bucket: a query without a value, such as `?versioning`. */
interface Setting {
  /** Root element of its XML; undefined: JSON. */
  readonly root: string | undefined;
  /** What the right to it is called, after `s3:Get` and `s3:Put`. */
  readonly right: string;
  /** Code of the 404 while it is not set; undefined: an empty document. */
  readonly absent: string | undefined;
}

const SETTINGS: Readonly<Record<string, Setting>> = {
  versioning: { root: 'VersioningConfiguration', right: 'BucketVersioning', absent: undefined },
  publicAccessBlock: {
    root: 'PublicAccessBlockConfiguration',
    right: 'BucketPublicAccessBlock',
    absent: 'NoSuchPublicAccessBlockConfiguration',
  },
  ownershipControls: {
    root: 'OwnershipControls',
    right: 'BucketOwnershipControls',
    absent: 'OwnershipControlsNotFoundError',
  },
  encryption: {
    root: 'ServerSideEncryptionConfiguration',
    right: 'EncryptionConfiguration',
    absent: 'ServerSideEncryptionConfigurationNotFoundError',
  },
  lifecycle: {
    root: 'LifecycleConfiguration',
    right: 'LifecycleConfiguration',
    absent: 'NoSuchLifecycleConfiguration',
  },
  policy: { root: undefined, right: 'BucketPolicy', absent: 'NoSuchBucketPolicy' },
};

/** The setting that the request is about; undefined when it is about the bucket or its objects. */
export function settingOf({ query }: S3Request): string | undefined {
  return Object.keys(SETTINGS).find((name) => query.get(name) === '');
}

/** Versioning and the policy are enforced; the other settings are only kept. */
export function carryOutSetting(
  { method, bucket }: S3Request,
  name: string,
  context: {
    readonly store: S3Store;
    readonly body: Buffer;
    readonly demand: (action: string, resource: string) => void;
  },
): S3Reply {
  const { root, right, absent } = SETTINGS[name]!;
  const { body, demand } = context;
  const verb =
    method === 'GET' ? 'Get' : method === 'DELETE' && name === 'policy' ? 'Delete' : 'Put';
  demand(`s3:${verb}${right}`, bucketArn(bucket));
  const settings = context.store.settings(bucket);
  const now = settings.get(name);
  switch (method) {
    case 'GET':
      if (now !== undefined) return { status: 200, body: now };
      if (absent !== undefined) throw new S3Refusal(404, absent);
      return xmlReply(200, `<${root}/>`);
    case 'PUT':
      if (root === undefined) parseBucketPolicy(body);
      else if (!new RegExp(`<${root}[ >].*</${root}>`, 's').test(body.toString()))
        throw new S3Refusal(400, 'MalformedXML');
      settings.set(name, body);
      return { status: root === undefined ? 204 : 200 };
    case 'DELETE':
      settings.delete(name);
      return { status: 204 };
    default:
      throw new S3Refusal(405, 'MethodNotAllowed');
  }
}

/** The statements of the policy of the bucket. */
export function bucketPolicy(store: S3Store, bucket: string): readonly BucketStatement[] {
  const text = store.has(bucket) ? store.settings(bucket).get('policy') : undefined;
  return text === undefined ? [] : parseBucketPolicy(text);
}
