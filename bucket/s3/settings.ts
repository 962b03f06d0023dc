import * as z from 'zod';
import { Duration } from '../../shared/duration.ts';
import { parsedProxy } from './connection/proxy.ts';
import { isPlainHttp } from './plain-http.ts';

const HttpUrl = z
  .url({ protocol: /^https?$/, error: 'expected a URL that begins with https:// or http://' })
  // Zod also runs this check on text that is not a URL. The check above reports that.
  .refine((url) => !URL.parse(url)?.search, 'expected a URL without a query');

/** The endpoint is part of every error message. */
const PublicHttpUrl = HttpUrl.refine((url) => {
  const parsed = URL.parse(url);
  return !parsed?.username && !parsed?.password;
}, 'expected a URL without user and password; credentials come from where the AWS SDK looks for them');

const ProxyUrl = z
  .string()
  .max(1024)
  .refine((text) => parsedProxy(text) !== undefined, 'expected an http:// or https:// URL');

const Settings = z.strictObject({
  endpoint: PublicHttpUrl.optional().describe(
    'Where an S3-compatible store answers, for example `https://s3.example.com:9000`. Left out: AWS.',
  ),
  allow_plain_http: z
    .boolean()
    .optional()
    .describe(
      'True allows an endpoint with `http://` that is not on this machine. Anyone on the path can read what hosts report. Left out: false.',
    ),
  region: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe('For example `eu-central-1`. Most stores other than AWS accept `us-east-1`.'),
  path_style: z
    .boolean()
    .optional()
    .describe(
      'Bucket in the path instead of the host name. Left out: true when `endpoint` is set.',
    ),
  proxy: ProxyUrl.optional().describe(
    'Proxy for S3, such as `proxy.example.com:3128`. Left out: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` of the environment count.',
  ),
  ca_file: z
    .string()
    .max(1024)
    .regex(/^\//, 'expected an absolute path')
    .optional()
    .describe(
      'File in PEM with the only authorities that are trusted. Left out: `AWS_CA_BUNDLE`, `ca_bundle` of the profile, else what Node and the system trust.',
    ),
  retry_mode: z
    .enum(['standard', 'adaptive'])
    .optional()
    .describe("The AWS SDK's retry mode. Left out: `AWS_RETRY_MODE`, else standard."),
  max_attempts: z
    .int()
    .min(1)
    .max(20)
    .optional()
    .describe('Tries of one request, the first included. Left out: `AWS_MAX_ATTEMPTS`, else 3.'),
  connect_timeout: Duration.prefault('5s').describe('Limit for reaching the server, each try.'),
  request_timeout: Duration.prefault('10s').describe(
    'Limit for silence on the connection, each try. A small request may take three times that in all.',
  ),
  checksums: z
    .enum(['when-supported', 'when-required'])
    .optional()
    .describe(
      '`when-required` for a store that refuses the checksum headers of uploads. Left out: `AWS_REQUEST_CHECKSUM_CALCULATION`, else when-supported.',
    ),
  profile: z.string().min(1).max(128).optional().describe('Profile of `~/.aws/config`.'),
});
/**
 * How to reach S3: the `s3:` part of `agent.yaml` and of `miyamoto.yaml`. The AWS SDK finds what is
 * left out as usual: environment, `~/.aws/config`, its own default. No key holds credentials. They
 * come only from the SDK's own chain (environment, shared files, `credential_process`, SSO,
 * container, instance role).
 */
export const S3Settings = Settings.refine(
  ({ endpoint, allow_plain_http }) =>
    endpoint === undefined || allow_plain_http === true || !isPlainHttp(endpoint),
  {
    path: ['endpoint'],
    error: 'expected https:// (plain HTTP to another machine needs s3.allow_plain_http: true)',
  },
);
export type S3Settings = Readonly<z.infer<typeof S3Settings>>;
