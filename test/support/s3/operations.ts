import { carryOutSetting, settingOf } from './bucket-settings.ts';
import { checkChecksums, checkDelete, checkRead, checkWrite } from './checks.ts';
import { LIST_QUERY, listObjects } from './list-objects.ts';
import type { StoredUploads } from './multipart.ts';
import { type Access, bucketArn, objectArn } from './policy.ts';
import { element, S3Refusal, type S3Reply, xmlReply } from './reply.ts';
import { header, type S3Request } from './request.ts';
import type { S3Store, StoredObject } from './store.ts';

export interface OperationContext {
  readonly store: S3Store;
  readonly uploads: StoredUploads;
  readonly region: string;
  readonly nowMs: number;
  readonly body: Buffer;
  /** Whether the caller's policy allows it. */
  readonly may: (access: Access) => boolean;
}

/**
 * The requests that are implemented; everything else is 501 NotImplemented, never a wrong answer.
 */
export function carryOut(request: S3Request, context: OperationContext): S3Reply {
  if (request.bucket === '') throw new S3Refusal(501, 'NotImplemented');
  return request.key === '' ? onBucket(request, context) : onObject(request, context);
}

function onObject(request: S3Request, context: OperationContext): S3Reply {
  if (request.query.has('uploadId') || request.query.has('uploads')) {
    return onUpload(request, context);
  }
  allowQuery(request, request.method === 'DELETE' ? ['versionId'] : []);
  switch (request.method) {
    case 'GET':
    case 'HEAD':
      return getObject(request, context);
    case 'PUT':
      return header(request.headers, 'x-amz-copy-source') === undefined
        ? putObject(request, context)
        : copyObject(request, context);
    case 'DELETE':
      return deleteObject(request, context);
    default:
      throw new S3Refusal(405, 'MethodNotAllowed');
  }
}

function onUpload(request: S3Request, context: OperationContext): S3Reply {
  const { uploads, store, body, nowMs } = context;
  const { method, query } = request;
  allowQuery(request, ['uploads', 'uploadId', 'partNumber', 'part-number-marker']);
  const may = (action: string) => demand(context, objectAccess(action, request));
  switch (`${method} ${query.has('uploads') ? 'uploads' : 'uploadId'}`) {
    case 'POST uploads':
      may('s3:PutObject');
      return uploads.create(request, keptHeaders(request));
    case 'PUT uploadId':
      may('s3:PutObject');
      return uploads.putPart(request, body);
    case 'GET uploadId':
      may('s3:ListMultipartUploadParts');
      return uploads.parts(request);
    case 'POST uploadId':
      may('s3:PutObject');
      return uploads.complete(request, store, { body, now: new Date(nowMs) });
    case 'DELETE uploadId':
      may('s3:AbortMultipartUpload');
      return uploads.abort(request);
    default:
      throw new S3Refusal(501, 'NotImplemented');
  }
}

function onBucket(request: S3Request, context: OperationContext): S3Reply {
  const { method, bucket, query } = request;
  const { store } = context;
  const setting = settingOf(request);
  if (setting !== undefined) {
    allowQuery(request, [setting]);
    return carryOutSetting(request, setting, {
      ...context,
      demand: (action, resource) => demand(context, { action, resource }),
    });
  }
  if (method === 'GET' && query.has('location')) {
    demand(context, { action: 's3:GetBucketLocation', resource: bucketArn(bucket) });
    store.keys(bucket);
    return xmlReply(200, `<LocationConstraint>${context.region}</LocationConstraint>`);
  }
  if (method === 'GET') {
    allowQuery(request, LIST_QUERY);
    const prefix = query.get('prefix') ?? '';
    demand(context, { action: 's3:ListBucket', resource: bucketArn(bucket), prefix });
    return listObjects(request, store);
  }
  allowQuery(request, []);
  switch (method) {
    case 'HEAD':
      demand(context, { action: 's3:ListBucket', resource: bucketArn(bucket) });
      store.keys(bucket);
      return { status: 200, headers: { 'x-amz-bucket-region': context.region } };
    case 'PUT':
      demand(context, { action: 's3:CreateBucket', resource: bucketArn(bucket) });
      if (store.has(bucket)) throw new S3Refusal(409, 'BucketAlreadyOwnedByYou');
      store.createBucket(bucket);
      return { status: 200, headers: { location: `/${bucket}` } };
    default:
      throw new S3Refusal(501, 'NotImplemented');
  }
}

function getObject(request: S3Request, context: OperationContext): S3Reply {
  demand(context, objectAccess('s3:GetObject', request));
  const object = readable(request, context);
  const headers = {
    ...object.headers,
    etag: object.etag,
    'last-modified': object.lastModified.toUTCString(),
    'accept-ranges': 'bytes',
  };
  if (checkRead(request.headers, object) === 'not-modified') return { status: 304, headers };
  const range = header(request.headers, 'range');
  if (range === undefined) return { status: 200, headers, body: object.body };
  const { start, end } = parseRange(range, object.body.length);
  return {
    status: 206,
    headers: { ...headers, 'content-range': `bytes ${start}-${end}/${object.body.length}` },
    body: object.body.subarray(start, end + 1),
  };
}

/** A caller that may not list cannot distinguish a missing key from a forbidden one. */
function readable(
  { bucket, key }: Pick<S3Request, 'bucket' | 'key'>,
  context: OperationContext,
): StoredObject {
  const object = context.store.find(bucket, key);
  if (object !== undefined) return object;
  demand(context, { action: 's3:ListBucket', resource: bucketArn(bucket) });
  throw new S3Refusal(404, 'NoSuchKey', { Key: key });
}

function putObject(request: S3Request, context: OperationContext): S3Reply {
  const { bucket, key, headers } = request;
  const { store, body, nowMs } = context;
  demand(context, objectAccess('s3:PutObject', request));
  // AWS does the same, because the answer shows which keys exist.
  if (header(headers, 'if-match') !== undefined)
    demand(context, objectAccess('s3:GetObject', request));
  checkChecksums(headers, body);
  checkWrite(headers, store.find(bucket, key));
  const { etag, versionId } = store.put(bucket, {
    key,
    body,
    lastModified: new Date(nowMs),
    headers: keptHeaders(request),
  });
  return { status: 200, headers: { etag, ...versionHeader(versionId) } };
}

function deleteObject(request: S3Request, context: OperationContext): S3Reply {
  const { bucket, key, headers, query } = request;
  const { store } = context;
  const versionId = query.get('versionId');
  if (versionId !== null) {
    demand(context, objectAccess('s3:DeleteObjectVersion', request));
    store.deleteVersion(bucket, key, versionId);
    return { status: 204, headers: versionHeader(versionId) };
  }
  demand(context, objectAccess('s3:DeleteObject', request));
  const ifMatch = header(headers, 'if-match');
  if (ifMatch !== undefined && ifMatch !== '*')
    demand(context, objectAccess('s3:GetObject', request));
  checkDelete(headers, store.find(bucket, key));
  const marker = store.delete(bucket, key);
  const isMarked = marker === undefined ? {} : { 'x-amz-delete-marker': 'true' };
  return { status: 204, headers: { ...isMarked, ...versionHeader(marker) } };
}

function versionHeader(versionId: string | undefined): Readonly<Record<string, string>> {
  return versionId === undefined ? {} : { 'x-amz-version-id': versionId };
}

function keptHeaders({ headers }: S3Request): Readonly<Record<string, string>> {
  const kept = Object.keys(headers).filter((name) =>
    /^(content-type|cache-control|content-encoding|x-amz-meta-.*)$/.test(name),
  );
  return Object.fromEntries(kept.map((name) => [name, header(headers, name) ?? '']));
}

function copyObject(request: S3Request, context: OperationContext): S3Reply {
  const copied = decodeURIComponent(header(request.headers, 'x-amz-copy-source') ?? '');
  const [, bucket = '', key = ''] = /^\/?([^/]+)\/(.+)$/s.exec(copied) ?? [];
  demand(context, objectAccess('s3:GetObject', { bucket, key }));
  demand(context, objectAccess('s3:PutObject', request));
  const from = readable({ bucket, key }, context);
  checkWrite(request.headers, context.store.find(request.bucket, request.key));
  const lastModified = new Date(context.nowMs);
  const { etag } = context.store.put(request.bucket, { ...from, key: request.key, lastModified });
  const fields = { ETag: etag, LastModified: lastModified.toISOString() };
  return xmlReply(200, element('CopyObjectResult', fields));
}

function parseRange(
  range: string,
  length: number,
): { readonly start: number; readonly end: number } {
  const match = /^bytes=(\d*)-(\d*)$/.exec(range);
  const [, first = '', last = ''] = match ?? [];
  const start = first === '' ? Math.max(length - Number(last), 0) : Number(first);
  const end = first === '' || last === '' ? length - 1 : Math.min(Number(last), length - 1);
  if (match === null || range === 'bytes=-' || start > end || start >= length)
    throw new S3Refusal(416, 'InvalidRange');
  return { start, end };
}

function objectAccess(action: string, { bucket, key }: { bucket: string; key: string }): Access {
  return { action, resource: objectArn(bucket, key) };
}

function demand(context: OperationContext, access: Access): void {
  if (!context.may(access)) throw new S3Refusal(403, 'AccessDenied');
}

/** A query names another operation (`?acl`, `?uploads`) unless it is one of those. */
function allowQuery({ query }: S3Request, names: readonly string[]): void {
  for (const name of query.keys())
    if (name !== 'x-id' && !names.includes(name)) throw new S3Refusal(501, 'NotImplemented');
}
