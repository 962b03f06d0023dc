import { createHash, randomBytes } from 'node:crypto';
import { checkChecksums } from './checks.ts';
import { element, S3Refusal, type S3Reply, xmlReply } from './reply.ts';
import { header, type S3Request } from './request.ts';
import type { S3Store } from './store.ts';

interface StoredUpload {
  readonly bucket: string;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly parts: Map<number, StoredPart>;
}

interface StoredPart {
  readonly body: Buffer;
  readonly etag: string;
  /** In base64, as it was sent. */
  readonly sha256: string | undefined;
}

/** S3's own limits. */
const LEAST_PART_BYTES = 5 * 1024 ** 2;
const MAX_PARTS = 10_000;
/** S3 lists 1000 at once; few, so that tests see more than one page. */
const PARTS_PER_PAGE = 2;

/** Uploads that were begun and not ended. */
export class StoredUploads {
  readonly #uploads = new Map<string, StoredUpload>();

  create({ bucket, key }: S3Request, headers: Readonly<Record<string, string>>): S3Reply {
    const uploadId = randomBytes(16).toString('base64url');
    this.#uploads.set(uploadId, { bucket, key, headers, parts: new Map() });
    const fields = { Bucket: bucket, Key: key, UploadId: uploadId };
    return xmlReply(200, element('InitiateMultipartUploadResult', fields));
  }

  putPart(request: S3Request, body: Buffer): S3Reply {
    const { parts } = this.#find(request);
    const number = Number(request.query.get('partNumber'));
    if (!(number >= 1 && number <= MAX_PARTS)) throw new S3Refusal(400, 'InvalidArgument');
    checkChecksums(request.headers, body);
    const etag = `"${createHash('md5').update(body).digest('hex')}"`;
    parts.set(number, { body, etag, sha256: header(request.headers, 'x-amz-checksum-sha256') });
    return { status: 200, headers: { etag } };
  }

  parts(request: S3Request): S3Reply {
    const { key, parts } = this.#find(request);
    const after = Number(request.query.get('part-number-marker') ?? 0);
    const all = [...parts].filter(([number]) => number > after).sort(([a], [b]) => a - b);
    const page = all.slice(0, PARTS_PER_PAGE);
    const listed = page.map(([number, { body, etag, sha256 }]) =>
      element('Part', {
        PartNumber: number,
        ETag: etag,
        Size: body.length,
        ChecksumSHA256: sha256,
      }),
    );
    const fields = {
      Key: key,
      IsTruncated: all.length > page.length,
      NextPartNumberMarker: page.at(-1)?.[0] ?? 0,
    };
    return xmlReply(200, element('ListPartsResult', fields, listed.join('')));
  }

  complete(
    request: S3Request,
    store: S3Store,
    { body, now }: { body: Buffer; now: Date },
  ): S3Reply {
    const { bucket, key, headers, parts } = this.#find(request);
    const wanted = [...body.toString().matchAll(/<Part>(.*?)<\/Part>/gs)].map(([, part = '']) => ({
      number: Number(/<PartNumber>(\d+)</.exec(part)?.[1]),
      etag: /<ETag>([^<]*)</.exec(part)?.[1]?.replaceAll('&quot;', '"'),
    }));
    const bodies = wanted.map(({ number, etag }, index) => {
      const part = parts.get(number);
      if (part === undefined || part.etag !== etag) throw new S3Refusal(400, 'InvalidPart');
      if (number <= (wanted[index - 1]?.number ?? 0)) throw new S3Refusal(400, 'InvalidPartOrder');
      const isLast = index === wanted.length - 1;
      if (!isLast && part.body.length < LEAST_PART_BYTES)
        throw new S3Refusal(400, 'EntityTooSmall');
      return part.body;
    });
    if (bodies.length === 0) throw new S3Refusal(400, 'MalformedXML');
    const { etag } = store.put(bucket, {
      ...{ key, headers, lastModified: now },
      body: Buffer.concat(bodies),
    });
    this.#uploads.delete(request.query.get('uploadId') ?? '');
    const fields = { Bucket: bucket, Key: key, ETag: etag };
    return xmlReply(200, element('CompleteMultipartUploadResult', fields));
  }

  abort(request: S3Request): S3Reply {
    this.#find(request);
    this.#uploads.delete(request.query.get('uploadId') ?? '');
    return { status: 204 };
  }

  /** Keys of the uploads that have not ended, with the number of their parts. */
  pending(bucket: string): readonly (readonly [key: string, parts: number])[] {
    const all = [...this.#uploads.values()].filter((upload) => upload.bucket === bucket);
    return all.map(({ key, parts }) => [key, parts.size]);
  }

  #find({ bucket, key, query }: S3Request): StoredUpload {
    const upload = this.#uploads.get(query.get('uploadId') ?? '');
    if (upload?.bucket !== bucket || upload.key !== key) throw new S3Refusal(404, 'NoSuchUpload');
    return upload;
  }
}
