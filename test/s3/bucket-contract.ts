import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { BucketAnswer } from '../../operator/bucket-answers.ts';
import { runMm } from '../support/run-mm.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { withEnvironment } from '../support/with-environment.ts';
import type { ContractTarget } from './contract.ts';

/** What Ceph 16 does, over plain HTTP, with `mm bucket init`. */
export function bucketContract(server: string, target: () => ContractTarget): void {
  test(`bucket init, ${server}: makes a bucket, names what the store lacks, and can be run again`, async (t) => {
    const cwd = await temporaryDirectory(t);
    const { endpoint } = target();
    const tree = { id: 'acme/ubuntu', environments: { stable: { ref: 'main' } } };
    const s3 = { endpoint, region: 'us-east-1' };
    const config = { bucket: 'made-by-init', s3, trees: { ubuntu: tree } };
    await writeFile(join(cwd, 'miyamoto.yaml'), JSON.stringify(config));
    const init = async () =>
      await withEnvironment({ AWS_PROFILE: 'owner' }, () =>
        runMm(cwd, ['bucket', 'init', '--yes', '--json']),
      );
    const outcomes = async (): Promise<Record<string, string>> => {
      const { stdout, stderr } = await init();
      assert.notEqual(stdout, '', stderr);
      const { settings } = BucketAnswer.parse(JSON.parse(stdout));
      return Object.fromEntries(settings.map(({ name, outcome }) => [name, outcome]));
    };
    const lacking = {
      ownership: 'lacking',
      encryption: 'lacking',
      versioning: 'lacking',
      'TLS only': 'lacking',
      'lifecycle of ubuntu/manifests/': 'ok',
      'lifecycle of ubuntu/binaries/': 'ok',
      'conditional writes': 'ok',
    };
    const changed = [
      'bucket',
      'public access block',
      'lifecycle of ubuntu/status/',
      'unfinished uploads to ubuntu/',
    ];
    const all = (outcome: string) => Object.fromEntries(changed.map((name) => [name, outcome]));
    assert.deepEqual(await outcomes(), { ...lacking, ...all('set') });
    assert.deepEqual(await outcomes(), { ...lacking, ...all('ok') });
  });
}
