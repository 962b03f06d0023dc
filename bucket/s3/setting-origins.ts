import { configKeys } from '../../shared/config/schema.ts';
import { proxyFor } from './connection/proxy.ts';
import { effectiveSettings } from './effective-settings.ts';
import { S3Settings } from './settings.ts';

type Env = Readonly<NodeJS.ProcessEnv>;

/** A value that the S3 client would use, and where it is from. */
export interface S3Setting {
  readonly key: string;
  /** Undefined and null: not set. */
  readonly value: unknown;
  readonly from: 'file' | 'environment' | 'aws' | 'default';
  /** `file:line`, the name of a variable, or a remark. */
  readonly place: string | null;
}

/** What a configuration file says about a bucket. */
export interface ConfiguredBucket {
  readonly bucket: string;
  readonly s3: S3Settings;
  /** Key path (`s3.region`) to `file:line`, for the keys that the file has. */
  readonly origins: ReadonlyMap<string, string>;
}

/** The variables that count when the file does not have the key; the first one that is set. */
const VARIABLES: Readonly<Record<string, readonly string[]>> = {
  endpoint: ['AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL'],
  region: ['AWS_REGION'],
  proxy: ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY'],
  ca_file: ['AWS_CA_BUNDLE'],
  retry_mode: ['AWS_RETRY_MODE'],
  max_attempts: ['AWS_MAX_ATTEMPTS'],
  checksums: ['AWS_REQUEST_CHECKSUM_CALCULATION'],
  profile: ['AWS_PROFILE'],
};
/** Keys of a profile that count after the variables. */
const OF_PROFILE: Readonly<Record<string, string>> = { region: 'region', ca_file: 'ca_bundle' };

/** What the S3 client would use. Throws CONFIG_INVALID for a wrong value of the environment. */
export async function s3Settings(
  { bucket, s3, origins }: ConfiguredBucket,
  env: Env,
): Promise<S3Setting[]> {
  const { settings, profile = 'default', shared } = await effectiveSettings(bucket, s3, env);
  const values: Readonly<Record<string, unknown>> = {
    ...settings,
    proxy: proxyOf(settings, env),
  };
  return configKeys(S3Settings).map(({ key: name, default: fallback }) => {
    const key = `s3.${name}`;
    const value = values[name];
    const place = origins.get(key);
    if (place !== undefined) return { key, value: textOf(value), from: 'file', place };
    const variable = VARIABLES[name]?.find((each) => env[each]);
    const isUsed = name !== 'proxy' || value !== undefined; // NO_PROXY may have excepted the server
    if (variable !== undefined && isUsed) {
      return { key, value: value ?? env[variable], from: 'environment', place: variable };
    }
    const inProfile = OF_PROFILE[name] === undefined ? undefined : shared[OF_PROFILE[name]];
    if (inProfile !== undefined || (name === 'endpoint' && value !== undefined)) {
      return { key, value: value ?? inProfile, from: 'aws', place: `profile ${profile}` };
    }
    return { key, value: textOf(value) ?? fallback, from: 'default', place: null };
  });
}

/** Without user and password. */
function proxyOf({ endpoint, region, proxy }: S3Settings, env: Env): string | undefined {
  const { protocol, hostname, port } = new URL(
    endpoint ?? `https://s3.${region ?? 'us-east-1'}.amazonaws.com`,
  );
  const target = { isTls: protocol === 'https:', hostname, port: port || undefined };
  const found = proxyFor(target, proxy, env);
  if (found === undefined) return undefined;
  const url = new URL(found);
  url.username = '';
  url.password = '';
  return url.href;
}

/** A duration as it is written; everything else as it is. */
function textOf(value: unknown): unknown {
  const isDuration = typeof value === 'object' && value !== null && 'seconds' in value;
  return isDuration ? `${String(value.seconds)}s` : value;
}

const CREDENTIALS = [
  'AWS_ACCESS_KEY_ID',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
];

/** Where credentials are from, and never what they are. */
export function credentialsOf({ profile }: S3Settings, env: Env): S3Setting {
  const key = 'credentials';
  const named = profile ?? (env['AWS_PROFILE'] || undefined);
  if (named !== undefined) return { key, value: `profile ${named}`, from: 'aws', place: null };
  const variable = CREDENTIALS.find((name) => env[name]);
  return variable === undefined
    ? { key, value: null, from: 'default', place: 'the usual places of the AWS SDK' }
    : { key, value: 'hidden', from: 'environment', place: variable };
}
