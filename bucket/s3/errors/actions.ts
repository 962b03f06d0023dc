/** The IAM action that each kind of request needs. */
export const ACTIONS = {
  read: 'GetObject',
  write: 'PutObject',
  list: 'ListBucket',
  remove: 'DeleteObject',
  resume: 'ListMultipartUploadParts',
  abort: 'AbortMultipartUpload',
} as const;

/** A kind of request, for messages such as `cannot read s3://bucket/key`. */
export type Verb = keyof typeof ACTIONS;
