import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { canonicalize } from '@tufjs/canonical-json';
import { metadataKey } from '../../../../bucket/layout.ts';
import { fileSigner } from '../../../../operator/keys/file-signer.ts';
import { readKeyFile } from '../../../../operator/keys/key-file.ts';
import { changed, keysOf, newKey } from '../../key-commands.ts';
import { BUCKET, initialized, type OperatorLab, TREE } from '../../operator-lab.ts';

/** A tree with an online key and a key for testing that are nothing else, as CI has them. */
export interface CiLab extends OperatorLab {
  /** Key files. */
  readonly online: string;
  readonly testing: string;
}

export async function ciLab(t: TestContext): Promise<CiLab> {
  const lab = await initialized(t);
  await newKey(lab, 'online1');
  await newKey(lab, 'ci');
  const swap = (role: string, add: string) =>
    changed(lab, ['key', 'rotate', '--role', role, '--add', add, '--remove', 'operator']);
  await swap('online', 'online1');
  await swap('testing', 'ci');
  await lab.mm(['publish', 'stable', '--no-validate']);
  await lab.mm(['publish', 'testing', '--no-validate']);
  const file = (name: string) => join(keysOf(lab), `${name}.json`);
  return { ...lab, online: file('online1'), testing: file('ci') };
}

/** What a thief of the bucket and of these keys uploads. */
export class Thief {
  readonly #lab: CiLab;

  constructor(lab: CiLab) {
    this.#lab = lab;
  }

  /** The role of testing under this version, with other fields. */
  async signTesting(version: number, fields: object = {}): Promise<void> {
    const { signed } = this.#lab.metadata(`${this.#current('env-testing')}.env-testing.json`);
    await this.#put(`${version}.env-testing.json`, { ...signed, ...fields, version }, 'testing');
  }

  /** Targets under this version, by the key of the safe. */
  async signTargets(version: number): Promise<void> {
    const { signed } = this.#lab.metadata(`${this.#current('targets')}.targets.json`);
    await this.#put(`${version}.targets.json`, { ...signed, version }, 'safe');
  }

  /** A snapshot that names these versions, and a timestamp that leads to it. */
  async signOnline(
    named: Readonly<Record<string, number>>,
    versions: { readonly snapshot?: number; readonly timestamp?: number } = {},
  ): Promise<void> {
    const { signed: timestamp } = this.#lab.metadata('timestamp.json');
    const before = timestamp.meta['snapshot.json'].version as number;
    const version = versions.snapshot ?? before + 1;
    const { signed } = this.#lab.metadata(`${before}.snapshot.json`);
    const meta = { ...signed.meta };
    for (const [role, at] of Object.entries(named)) {
      const file = this.#lab.server.get(BUCKET, metadataKey(TREE, `${at}.${role}.json`));
      meta[`${role}.json`] = entry(at, file ?? Buffer.alloc(100));
    }
    const bytes = await this.#put(
      `${version}.snapshot.json`,
      { ...signed, meta, version },
      'online',
    );
    await this.#put(
      'timestamp.json',
      {
        ...timestamp,
        version: versions.timestamp ?? timestamp.version + 1,
        meta: { 'snapshot.json': entry(version, bytes) },
      },
      'online',
    );
  }

  #current(role: string): number {
    const { signed } = this.#lab.metadata('timestamp.json');
    const snapshot = `${signed.meta['snapshot.json'].version}.snapshot.json`;
    return this.#lab.metadata(snapshot).signed.meta[`${role}.json`].version;
  }

  async #put(file: string, signed: object, key: 'online' | 'testing' | 'safe'): Promise<Buffer> {
    const path = key === 'safe' ? join(keysOf(this.#lab), 'safe.json') : this.#lab[key];
    const signer = fileSigner(await readKeyFile(path), () => Promise.reject(new Error(path)));
    const sig = (await signer.sign(Buffer.from(canonicalize(signed)))).toString('hex');
    const bytes = Buffer.from(
      JSON.stringify({ signatures: [{ keyid: signer.keyId, sig }], signed }),
    );
    this.#lab.server.put(BUCKET, metadataKey(TREE, file), bytes);
    return bytes;
  }
}

function entry(version: number, bytes: Buffer): object {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { version, length: bytes.length, hashes: { sha256 } };
}
