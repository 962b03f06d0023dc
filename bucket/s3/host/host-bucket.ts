import { requireOwn } from '../../../shared/owned-path.ts';
import type { HostBucket } from '../../bucket.ts';
import { proxyFor } from '../connection/proxy.ts';
import type { Credentials } from '../credentials/credential-chain.ts';
import {
  type EffectiveSettings,
  effectiveSettings,
  presentSharedFiles,
} from '../effective-settings.ts';
import { LightBucket, type LightOptions } from '../light/light-bucket.ts';
import { plainPlace } from '../light/place.ts';
import type { S3Settings } from '../settings.ts';
import { openOrLater } from './unopened-bucket.ts';

const DEFAULT_MAX_ATTEMPTS = 3;

/**
 * Opens a bucket for a host: with the light client when every setting is one that it supports,
 * otherwise with the SDK's client. The light client saves 64 ms, 2.4 % of a cycle (ADR 0022). Sends
 * nothing; reads the AWS files of the host. All code is loaded now and not in the middle of a
 * cycle, because a run may replace the files of this program.
 */
export async function openHostBucket(
  name: string,
  settings: S3Settings,
  env: NodeJS.ProcessEnv,
): Promise<HostBucket> {
  return await openOrLater(name, async () => {
    // They can name a program, and root runs it.
    for (const path of presentSharedFiles(env)) requireOwn(path, 'the AWS configuration');
    const options = await lightOptions(name, settings, env);
    if (options !== undefined) return new LightBucket(name, options);
    const { openBucket } = await import('../sdk/sdk-bucket.ts');
    return await openBucket(name, settings);
  });
}

/**
 * Undefined when a setting, a variable or a file needs something that the light client lacks.
 * Throws CONFIG_INVALID.
 */
export async function lightOptions(
  name: string,
  given: S3Settings,
  env: NodeJS.ProcessEnv,
): Promise<LightOptions | undefined> {
  const effective = await effectiveSettings(name, given, env);
  const { settings, shared } = effective;
  if (settings.retry_mode === 'adaptive' || !isPlainEnvironment(env)) return undefined;
  if (!Object.keys(shared).every((key) => PLAIN_KEY.test(key))) return undefined;
  const { region } = settings;
  const place = region === undefined ? undefined : plainPlace(name, settings, region);
  if (region === undefined || place === undefined) return undefined;
  return {
    settings,
    region,
    place,
    maxAttempts: settings.max_attempts ?? Number(env['AWS_MAX_ATTEMPTS'] ?? DEFAULT_MAX_ATTEMPTS),
    credentials: await credentialsOf(effective, env),
    proxy: proxyFor(place, settings.proxy, env),
  };
}

/**
 * Variables that the light client honours, that its credential providers read, or that do not
 * concern S3. Any other AWS_ variable may change where and how S3 is asked.
 */
const PLAIN_VARIABLE =
  /^AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|PROFILE|REGION|DEFAULT_(REGION|PROFILE|OUTPUT)|CA_BUNDLE|ENDPOINT_URL(_\w+)?|IGNORE_CONFIGURED_ENDPOINT_URLS|PAGER|CLI_\w+|EXECUTION_ENV|SHARED_CREDENTIALS_FILE|CONFIG_FILE|SDK_LOAD_CONFIG|EC2_METADATA_\w+|CONTAINER_\w+|WEB_IDENTITY_TOKEN_FILE|ROLE_ARN|ROLE_SESSION_NAME)$/;

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
  /^(region|output|ca_bundle|endpoint_url|services|ignore_configured_endpoint_urls|cli_\w+|aws_(access_key_id|secret_access_key|session_token|account_id)|(role|sso|login|ec2_metadata)_\w+|(source_profile|credential_process|credential_source|external_id|mfa_serial|duration_seconds|web_identity_token_file))$/;

/** Keys in the environment win unless a profile is named. This is the SDK's order. */
async function credentialsOf(
  { profile, settings }: EffectiveSettings,
  env: NodeJS.ProcessEnv,
): Promise<() => Promise<Credentials>> {
  const {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
  } = env;
  if (profile === undefined && accessKeyId && secretAccessKey) {
    return async () => ({
      accessKeyId,
      secretAccessKey,
      ...(sessionToken && { sessionToken }),
    });
  }
  const { credentialChain } = await import('../credentials/credential-chain.ts');
  return credentialChain({ profile, region: settings.region }, settings);
}
