import { CodedError } from '../../shared/coded-error.ts';
import { isPlainHttp } from './plain-http.ts';
import type { S3Settings } from './settings.ts';

/** An endpoint and the key or variable that has set it. */
export interface ConfiguredEndpoint {
  readonly url: string;
  readonly setBy: string;
}

/** The keys of a profile, and of its `services` section. */
export interface EndpointFiles {
  readonly profile: Readonly<Record<string, string | undefined>>;
  readonly services: Readonly<Record<string, string | undefined>> | undefined;
}

/**
 * The endpoint of S3 in the AWS order: `s3.endpoint`, the variable for S3, the variable for all
 * services, the profile's section for S3, the profile. Undefined: AWS.
 */
export function configuredEndpoint(
  { endpoint }: Pick<S3Settings, 'endpoint'>,
  env: Readonly<NodeJS.ProcessEnv>,
  { profile, services }: EndpointFiles,
): ConfiguredEndpoint | undefined {
  if (endpoint !== undefined) return { url: endpoint, setBy: 's3.endpoint' };
  const ignored =
    env['AWS_IGNORE_CONFIGURED_ENDPOINT_URLS'] || profile['ignore_configured_endpoint_urls'];
  if (ignored === 'true') return undefined;
  const places: Readonly<Record<string, string | undefined>> = {
    AWS_ENDPOINT_URL_S3: env['AWS_ENDPOINT_URL_S3'],
    AWS_ENDPOINT_URL: env['AWS_ENDPOINT_URL'],
    'endpoint_url for s3 of the profile': services?.['s3.endpoint_url'],
    'endpoint_url of the profile': profile['endpoint_url'],
  };
  const [setBy = '', url] = Object.entries(places).find(([, value]) => value) ?? [];
  return url ? { url, setBy } : undefined;
}

/** What the schema of the settings requires of `s3.endpoint`. Throws CONFIG_INVALID. */
export function checkEndpoint(
  { url, setBy }: ConfiguredEndpoint,
  { allow_plain_http }: Pick<S3Settings, 'allow_plain_http'>,
): void {
  const parsed = URL.parse(url);
  const isHttp = parsed?.protocol === 'https:' || parsed?.protocol === 'http:';
  // The message must not quote the value: a user name in it may come with a password.
  if (!isHttp || parsed.username || parsed.password || parsed.search) {
    throw new CodedError(
      `${setBy}: expected an https:// or http:// URL without user, password and query`,
      { code: 'CONFIG_INVALID', next: `correct ${setBy}, for example https://s3.example.com:9000` },
    );
  }
  if (allow_plain_http !== true && isPlainHttp(url)) {
    throw new CodedError(
      `the endpoint ${url} (${setBy}) is plain HTTP, which s3.allow_plain_http does not allow`,
      { code: 'CONFIG_INVALID', next: 'use https://, or set s3.allow_plain_http: true' },
    );
  }
}
