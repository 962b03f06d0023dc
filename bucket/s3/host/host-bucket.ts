import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { HostBucket } from '../../bucket.ts';
import { proxyEnvironment } from '../connection.ts';
import { type Credentials, LightBucket, type LightOptions } from '../light/light-bucket.ts';
import { plainPlace } from '../light/place.ts';
import type { S3Settings } from '../settings.ts';

const DEFAULT_MAX_ATTEMPTS = 3;

/**
 * Opens a bucket for a host: with the light client where it is known to do the same as the SDK's
 * client, otherwise with the SDK's. The light client saves 64 ms, 2.4 % of a cycle (ADR 0022).
 * Sends nothing; reads the AWS files of the host. All code is loaded now and not in the middle of a
 * cycle, because a run may replace the files of this program.
 */
export async function openHostBucket(
  name: string,
  settings: S3Settings,
  env: NodeJS.ProcessEnv,
): Promise<HostBucket> {
  const options = await lightOptions(name, settings, env);
  if (options !== undefined) return new LightBucket(name, options);
  const { openBucket } = await import('../sdk/sdk-bucket.ts');
  return openBucket(name, settings);
}

/** Undefined when a setting, a variable or a file asks for more than the light client knows. */
export async function lightOptions(
  name: string,
  settings: S3Settings,
  env: NodeJS.ProcessEnv,
): Promise<LightOptions | undefined> {
  if (settings.retry_mode === 'adaptive' || !isPlainEnvironment(env)) return undefined;
  const profile = settings.profile ?? (env['AWS_PROFILE'] || undefined);
  const chain =
    profile !== undefined || hasSharedFiles(env)
      ? await import('../light/credential-chain.ts')
      : undefined;
  const shared = (await chain?.sharedProfile(profile ?? 'default')) ?? {};
  if (!Object.keys(shared).every((key) => PLAIN_KEY.test(key))) return undefined;
  const region = settings.region ?? env['AWS_REGION'] ?? shared['region'];
  const place = region === undefined ? undefined : plainPlace(name, settings, region);
  if (region === undefined || place === undefined) return undefined;
  return {
    settings,
    region,
    place,
    maxAttempts: settings.max_attempts ?? Number(env['AWS_MAX_ATTEMPTS'] ?? DEFAULT_MAX_ATTEMPTS),
    credentials: await credentialsOf({ profile, region }, settings, env),
    proxyEnvironment: proxyEnvironment(settings.proxy),
  };
}

/**
 * Variables that the light client honours, that its credential providers read, or that do not
 * concern S3. Any other AWS_ variable may change where and how S3 is asked.
 */
const PLAIN_VARIABLE =
  /^AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|PROFILE|REGION|DEFAULT_(REGION|PROFILE|OUTPUT)|CA_BUNDLE|PAGER|CLI_\w+|EXECUTION_ENV|SHARED_CREDENTIALS_FILE|CONFIG_FILE|SDK_LOAD_CONFIG|EC2_METADATA_\w+|CONTAINER_\w+|WEB_IDENTITY_TOKEN_FILE|ROLE_ARN|ROLE_SESSION_NAME)$/;

function isPlainEnvironment(env: NodeJS.ProcessEnv): boolean {
  return Object.entries(env).every(([name, value = '']) => {
    if (!name.startsWith('AWS_') || PLAIN_VARIABLE.test(name)) return true;
    if (name === 'AWS_MAX_ATTEMPTS') return /^[1-9]\d?$/.test(value);
    return name === 'AWS_RETRY_MODE' && value === 'standard';
  });
}

/**
 * Keys of a profile that say who asks and in which region. Other keys may change how S3 is asked.
 */
const PLAIN_KEY =
  /^(region|output|cli_\w+|aws_(access_key_id|secret_access_key|session_token|account_id)|(role|sso|login|ec2_metadata)_\w+|(source_profile|credential_process|credential_source|external_id|mfa_serial|duration_seconds|web_identity_token_file))$/;

function hasSharedFiles(env: NodeJS.ProcessEnv): boolean {
  const directory = join(env['HOME'] ?? homedir(), '.aws');
  return (
    existsSync(env['AWS_CONFIG_FILE'] ?? join(directory, 'config')) ||
    existsSync(env['AWS_SHARED_CREDENTIALS_FILE'] ?? join(directory, 'credentials'))
  );
}

/** Keys in the environment win unless a profile is named. This is the SDK's order. */
async function credentialsOf(
  who: { readonly profile: string | undefined; readonly region: string },
  settings: S3Settings,
  env: NodeJS.ProcessEnv,
): Promise<() => Promise<Credentials>> {
  const {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
  } = env;
  if (who.profile === undefined && accessKeyId && secretAccessKey) {
    return async () => ({
      accessKeyId,
      secretAccessKey,
      ...(sessionToken && { sessionToken }),
    });
  }
  const { credentialChain } = await import('../light/credential-chain.ts');
  return credentialChain(who, settings);
}
