import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { blobKey, metadataKey } from '../../../../bucket/layout.ts';
import { fileSigner } from '../../../../operator/keys/file/file-signer.ts';
import { readKeyFile } from '../../../../operator/keys/file/key-file.ts';
import { canonicalText } from '../../../../trust/metadata/canonical-text.ts';
import { changed, keysOf, newKey } from '../../key-commands.ts';
import {
  BUCKET,
  copiedPerTest,
  initialized,
  type MetadataJson,
  type OperatorLab,
  type Owner,
  TREE,
} from '../../operator-lab.ts';

/** The way back from a theft of the online key. */
export const RECOVER = ['key', 'rotate', '--role', 'online', '--recover', '--add', 'online2'];

/** A tree with an online key and a key for testing that are nothing else, as CI has them. */
export interface CiLab extends OperatorLab {
  /** Key files. */
  readonly online: string;
  readonly testing: string;
}

/** @param prepare more to be done with the tree before the first test */
export function ciLabs(
  prepare: (lab: OperatorLab) => Promise<unknown>,
): (t: Owner) => Promise<CiLab> {
  const copy = copiedPerTest(async (t) => {
    const lab = await ciTree(t);
    await prepare(lab);
    return lab;
  });
  return async (t) => {
    const lab = await copy(t);
    const file = (name: string) => join(keysOf(lab), `${name}.json`);
    return { ...lab, online: file('online1'), testing: file('ci') };
  };
}

export const ciLab = ciLabs(() => Promise.resolve());

async function ciTree(t: Owner): Promise<OperatorLab> {
  const lab = await initialized(t);
  await newKey(lab, 'online1');
  await newKey(lab, 'ci');
  const swap = (role: string, add: string) =>
    changed(lab, ['key', 'rotate', '--role', role, '--add', add, '--remove', 'operator']);
  await swap('online', 'online1');
  await swap('testing', 'ci');
  await lab.mm(['publish', 'stable', '--no-validate']);
  await lab.mm(['publish', 'testing', '--no-validate']);
  return lab;
}

type KeyName = 'online' | 'testing' | 'safe' | 'operator';

/** What a thief of the bucket and of these keys uploads. */
export class Thief {
  readonly #lab: CiLab;

  constructor(lab: CiLab) {
    this.#lab = lab;
  }

  /** The role of testing under this version, with other fields. */
  async signTesting(version: number, fields: object = {}): Promise<void> {
    await this.signRole('env-testing', version, fields);
  }

  /** Makes a tarball the current release of testing. */
  async release(bytes: Buffer, version: number): Promise<void> {
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    this.#lab.server.put(BUCKET, blobKey(TREE, sha256), bytes);
    const { custom } = this.signedOf('env-stable').targets['stable/current'];
    const current = { length: bytes.length, hashes: { sha256 }, custom };
    await this.signTesting(version, { targets: { 'testing/current': current } });
    await this.signOnline({ 'env-testing': version });
  }

  /** The same for another role that the key for testing signs as well. */
  async signRole(role: string, version: number, fields: object, name = role): Promise<void> {
    const signed = this.signedOf(role);
    await this.#put(`${version}.${name}.json`, { ...signed, ...fields, version }, 'testing');
  }

  /** What the operator signed honestly for stable. Undefined fields are left out. */
  async signStable(version: number, fields: object): Promise<Buffer> {
    const content = JSON.parse(
      JSON.stringify({ ...this.signedOf('env-stable'), ...fields, version }),
    );
    return await this.#put(`${version}.env-stable.json`, content, 'operator');
  }

  /** Targets under this version, by the key of the safe. */
  async signTargets(version: number, fields: object = {}): Promise<void> {
    const signed = this.signedOf('targets');
    await this.#put(`${version}.targets.json`, { ...signed, ...fields, version }, 'safe');
  }

  /** A snapshot that names these versions, and a timestamp that leads to it. */
  async signOnline(
    named: Readonly<Record<string, number>>,
    versions: { readonly snapshot?: number; readonly timestamp?: number } = {},
    fields: Readonly<Record<string, object>> = {},
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
      { ...signed, meta, version, ...fields['snapshot'] },
      'online',
    );
    await this.#put(
      'timestamp.json',
      {
        ...timestamp,
        version: versions.timestamp ?? timestamp.version + 1,
        meta: { 'snapshot.json': entry(version, bytes) },
        ...fields['timestamp'],
      },
      'online',
    );
  }

  /** The signed part of the present file of a role. */
  signedOf(role: string): MetadataJson['signed'] {
    return this.#lab.metadata(`${this.#current(role)}.${role}.json`).signed;
  }

  #current(role: string): number {
    const { signed } = this.#lab.metadata('timestamp.json');
    const snapshot = `${signed.meta['snapshot.json'].version}.snapshot.json`;
    return this.#lab.metadata(snapshot).signed.meta[`${role}.json`].version;
  }

  async #put(file: string, signed: object, key: KeyName): Promise<Buffer> {
    const isOfCi = key === 'online' || key === 'testing';
    const path = isOfCi ? this.#lab[key] : join(keysOf(this.#lab), `${key}.json`);
    const signer = fileSigner(await readKeyFile(path), () => Promise.reject(new Error(path)));
    const text = canonicalText(signed);
    const sig = (await signer.sign(Buffer.from(text))).toString('hex');
    const signatures = JSON.stringify([{ keyid: signer.keyId, sig }]);
    // Canonical JSON has no escapes for half surrogates. It has no limit of levels.
    const written = text.isWellFormed() ? text : JSON.stringify(signed);
    const bytes = Buffer.from(`{"signatures":${signatures},"signed":${written}}`);
    this.#lab.server.put(BUCKET, metadataKey(TREE, file), bytes);
    return bytes;
  }
}

/** The target with bytes that the thief wants hosts to run. They are in the bucket. */
export function evilRelease<T extends object>({ server }: OperatorLab, target: T) {
  const bytes = Buffer.from('what the thief wants hosts to run');
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  server.put(BUCKET, blobKey(TREE, sha256), bytes);
  return { ...target, length: bytes.length, hashes: { sha256 } };
}

function entry(version: number, bytes: Buffer): object {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { version, length: bytes.length, hashes: { sha256 } };
}
