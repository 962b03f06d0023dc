import { hostStatusKey } from '../../../bucket/layout.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import type { Answer, CommonOptions, Context } from '../../context.ts';
import { neverReported, requireCertname } from '../../hosts/certnames.ts';
import { readHostObject } from '../../hosts/read-host-object.ts';
import { withTree } from '../../open-tree.ts';
import { MAX_STATUS_BYTES, readStatusDocument } from '../../repository/host-documents.ts';
import { statusLines } from './lines.ts';

/** `mm status <certname>`: the last status of one host. */
export async function showHost(
  context: Context,
  certname: string,
  options: CommonOptions,
): Promise<Answer> {
  requireCertname(certname);
  return await withTree(context, options, async ({ config, bucket }) => {
    const key = hostStatusKey(config.tree, certname);
    const bytes = await readHostObject(bucket, key, MAX_STATUS_BYTES).catch(async (cause) => {
      if (!(cause instanceof CodedError && cause.code === 'S3_NOT_FOUND')) throw cause;
      const found = `there is no s3://${bucket.name}/${key}`;
      throw await neverReported({ bucket, tree: config.tree }, certname, { found, cause });
    });
    const document = readStatusDocument(bytes, { certname, key });
    return { document, lines: statusLines(document, context.now()) };
  });
}
