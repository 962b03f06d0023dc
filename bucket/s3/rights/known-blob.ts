import { GetObjectCommand } from '@aws-sdk/client-s3';
import { jsonObject } from '../../../shared/json.ts';
import { blobKey, metadataKey } from '../../layout.ts';
import { isRefusal, type Store } from './store.ts';

/**
 * The key of a tarball that the metadata of the tree names. Undefined when these credentials cannot
 * read that far, or nothing is published. Nothing is verified: the key is only read from.
 */
export async function knownBlob(store: Store, tree: string): Promise<string | undefined> {
  const read = async (file: string) => jsonObject((await signed(store, tree, file))['meta']);
  const snapshot = versioned(await read('timestamp.json'), 'snapshot.json');
  if (snapshot === undefined) return undefined;
  const roles = await read(snapshot);
  for (const role of Object.keys(roles).filter((name) => name.startsWith('env-'))) {
    const file = versioned(roles, role);
    const { targets } = file === undefined ? {} : await signed(store, tree, file);
    for (const target of Object.values(jsonObject(targets))) {
      const { sha256 } = jsonObject(jsonObject(target)['hashes']);
      if (typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256)) return blobKey(tree, sha256);
    }
  }
  return undefined;
}

/** `3.env-stable.json`. */
function versioned(meta: Readonly<Record<string, unknown>>, file: string): string | undefined {
  const { version } = jsonObject(meta[file]);
  return Number.isSafeInteger(version) ? `${version}.${file}` : undefined;
}

async function signed(
  store: Store,
  tree: string,
  file: string,
): Promise<Readonly<Record<string, unknown>>> {
  const key = metadataKey(tree, file);
  try {
    const text = await store.request('read', key, async (client, options) => {
      const command = new GetObjectCommand({ Bucket: store.bucket, Key: key });
      return await (await client.send(command, options)).Body?.transformToString();
    });
    return jsonObject(jsonObject(JSON.parse(text ?? ''))['signed']);
  } catch (error) {
    if (isRefusal(error) || error instanceof SyntaxError) return {};
    throw error;
  }
}
