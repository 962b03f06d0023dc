import { CodedError } from '../../shared/coded-error.ts';

/**
 * Whether requests to this URL go over a network in clear. Anybody on the way then reads what
 * hosts report, repeats signed requests, and sets the `Date` header that expiry is checked against.
 */
export function isPlainHttp(url: string): boolean {
  const parsed = URL.parse(url);
  return parsed !== null && parsed.protocol === 'http:' && !isLoopback(parsed.hostname);
}

/**
 * Throws CONFIG_INVALID. For endpoints that only the SDK knows: AWS_ENDPOINT_URL, `~/.aws/config`.
 */
export function refusePlainHttp(url: string): void {
  if (!isPlainHttp(url)) return;
  throw new CodedError(
    `the endpoint ${url} is plain HTTP, which s3.allow_plain_http does not allow`,
    {
      code: 'CONFIG_INVALID',
      next: 'use https://, or set s3.allow_plain_http: true',
    },
  );
}

/** The endpoint that deserves a warning: plain HTTP, and allowed. */
export function plainHttpEndpoint(
  { endpoint }: { readonly endpoint?: string | undefined },
  env: Readonly<NodeJS.ProcessEnv>,
): string | undefined {
  const used = endpoint ?? env['AWS_ENDPOINT_URL_S3'] ?? env['AWS_ENDPOINT_URL'];
  return used !== undefined && isPlainHttp(used) ? used : undefined;
}

function isLoopback(hostname: string): boolean {
  return (
    /^(.*\.)?localhost$/i.test(hostname) ||
    /^127(\.\d{1,3}){3}$/.test(hostname) ||
    hostname === '[::1]' ||
    hostname === '::1'
  );
}
