import { defaultProvider } from '@aws-sdk/credential-provider-node';
import { loadSharedConfigFiles } from '@smithy/core/config';
import { connectionOptions } from '../connection.ts';
import type { S3Settings } from '../settings.ts';
import type { Credentials } from './light-bucket.ts';

/**
 * What `~/.aws/config` and `~/.aws/credentials` say about a profile. The former wins, as in the
 * SDK.
 */
export async function sharedProfile(
  name: string,
): Promise<Readonly<Record<string, string | undefined>>> {
  const { configFile, credentialsFile } = await loadSharedConfigFiles();
  return { ...credentialsFile[name], ...configFile[name] };
}

/**
 * The SDK's own chain of credential providers, which caches what it found until that expires. Its
 * requests (to STS, to SSO) use the same connection options as those to S3.
 */
export function credentialChain(
  { profile, region }: { readonly profile: string | undefined; readonly region: string },
  settings: S3Settings,
): () => Promise<Credentials> {
  const requestHandler = connectionOptions(settings);
  return defaultProvider({
    ...(profile !== undefined && { profile }),
    parentClientConfig: { region: async () => region, requestHandler },
  });
}
