import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { parseEnvironmentConf } from '../../../../bucket/documents/environment-conf.ts';
import {
  type GatesRequest,
  type GatesResult,
  passGates,
} from '../../../../operator/release/gates/gates.ts';
import { billOfMaterials } from '../../../../operator/release/modules/bill-of-materials.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';
import { file, sourceTree } from '../fixture.ts';

export type Files = Readonly<Record<string, string | Buffer>>;
export type Given = Partial<Pick<GatesRequest, 'env' | 'isStrict' | 'isKept' | 'onProgress'>>;

/** Checks releases of one publisher, who remembers what was good. */
export async function openGates(
  t: TestContext,
): Promise<(files: Files, given?: Given) => Promise<GatesResult>> {
  const verdictFile = join(await temporaryDirectory(t), 'state', 'gates');
  return async (files, given = {}) => {
    const entries = Object.entries(files).map(([path, content]) => file(path, content));
    const { 'environment.conf': conf = '' } = files;
    const modules = billOfMaterials(entries, [], ['modules']);
    return await passGates({
      tree: { ...sourceTree(...entries), modules },
      conf: parseEnvironmentConf(conf.toString()),
      env: process.env,
      verdictFile,
      isKept: true,
      isStrict: false,
      directory: await temporaryDirectory(t),
      ...given,
    });
  };
}
