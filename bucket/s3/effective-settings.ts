import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { CodedError } from '../../shared/coded-error.ts';
import { accessPointOf } from './access-point.ts';
import { type CaFile, trustFile } from './connection/trust-store.ts';
import { checkEndpoint, configuredEndpoint } from './endpoint.ts';
import { isPlainHttp } from './plain-http.ts';
import type { S3Settings } from './settings.ts';
import type { SharedProfile } from './shared-files.ts';

/** The settings of a bucket, with what the environment and the AWS files add to them. */
export interface EffectiveSettings {
  readonly settings: S3Settings;
  /** The profile that was named; undefined: `default`. */
  readonly profile: string | undefined;
  /** What the AWS files say about the profile. */
  readonly shared: SharedProfile;
}

/**
 * Adds endpoint, path style and region, in the same way for both S3 clients. From now on this
 * process trusts the configured authorities. Sends nothing. Throws CONFIG_INVALID.
 */
export async function effectiveSettings(
  bucket: string,
  settings: S3Settings,
  env: Readonly<NodeJS.ProcessEnv>,
): Promise<EffectiveSettings> {
  const accessPoint = accessPointOf(bucket);
  const profile = profileName(settings, env);
  const { shared, services } = await profileOf(profile, env);
  trustFile(caFile(settings, env, shared));
  const endpoint = configuredEndpoint(settings, env, { profile: shared, services });
  if (endpoint !== undefined) checkEndpoint(endpoint, settings);
  const region =
    accessPoint?.region ?? settings.region ?? (env['AWS_REGION'] || shared['region'] || undefined);
  if (endpoint === undefined) checkRegion(region);
  const path_style =
    accessPoint === undefined
      ? (settings.path_style ?? (endpoint !== undefined ? true : undefined))
      : byHostName(bucket, settings);
  const all = { ...settings, endpoint: endpoint?.url, region, path_style };
  return { settings: all, profile, shared };
}

/** It becomes a part of the host name of AWS. */
function checkRegion(region: string | undefined): void {
  if (region === undefined || /^[a-z0-9-]+$/i.test(region)) return;
  throw new CodedError(
    `region: expected a name such as eu-central-1, found ${JSON.stringify(region)}`,
    {
      code: 'CONFIG_INVALID',
      next: 'correct s3.region, AWS_REGION or region in ~/.aws/config',
    },
  );
}

/**
 * Returns the endpoint when it uses plain HTTP and the configuration allows that, so that the
 * caller can warn. It does not matter where the endpoint is set. Without the permission such an
 * endpoint is an error of {@link effectiveSettings}.
 */
export async function plainHttpEndpoint(
  settings: Pick<S3Settings, 'allow_plain_http' | 'endpoint' | 'profile'>,
  env: Readonly<NodeJS.ProcessEnv>,
): Promise<string | undefined> {
  if (settings.allow_plain_http !== true) return undefined;
  const url = await endpointOf(settings, env);
  return url !== undefined && isPlainHttp(url) ? url : undefined;
}

/** The URL to which requests go, wherever it is set. Undefined: AWS. */
export async function endpointOf(
  settings: Pick<S3Settings, 'endpoint' | 'profile'>,
  env: Readonly<NodeJS.ProcessEnv>,
): Promise<string | undefined> {
  const { shared, services } = await profileOf(profileName(settings, env), env);
  return configuredEndpoint(settings, env, { profile: shared, services })?.url;
}

function profileName(
  { profile }: Pick<S3Settings, 'profile'>,
  env: Readonly<NodeJS.ProcessEnv>,
): string | undefined {
  return profile ?? (env['AWS_PROFILE'] || undefined);
}

async function profileOf(profile: string | undefined, env: Readonly<NodeJS.ProcessEnv>) {
  if (profile === undefined && presentSharedFiles(env).length === 0)
    return { shared: {}, services: undefined };
  const { servicesOfProfile, sharedFiles, sharedProfile } = await import('./shared-files.ts');
  const files = await sharedFiles();
  const shared = sharedProfile(files, profile ?? 'default') ?? {};
  return { shared, services: servicesOfProfile(files, shared) };
}

/** The AWS files of this user that exist. */
export function presentSharedFiles(env: Readonly<NodeJS.ProcessEnv>): readonly string[] {
  const directory = join(env['HOME'] ?? homedir(), '.aws');
  const files = [
    env['AWS_CONFIG_FILE'] ?? join(directory, 'config'),
    env['AWS_SHARED_CREDENTIALS_FILE'] ?? join(directory, 'credentials'),
  ];
  return files.filter((path) => existsSync(path));
}

/** An access point is addressed by its host name, never by the path. */
function byHostName(bucket: string, { path_style }: Pick<S3Settings, 'path_style'>): false {
  if (path_style !== true) return false;
  throw new CodedError(`s3.path_style: expected false, because ${bucket} is an access point`, {
    code: 'CONFIG_INVALID',
    next: 'remove s3.path_style',
  });
}

function caFile(
  { ca_file }: Pick<S3Settings, 'ca_file'>,
  env: Readonly<NodeJS.ProcessEnv>,
  shared: SharedProfile,
): CaFile | undefined {
  const places: Readonly<Record<string, string | undefined>> = {
    's3.ca_file': ca_file,
    AWS_CA_BUNDLE: env['AWS_CA_BUNDLE'],
    'ca_bundle of the profile': shared['ca_bundle'],
  };
  const [setBy = '', path] = Object.entries(places).find(([, value]) => value) ?? [];
  return path ? { path, setBy } : undefined;
}
