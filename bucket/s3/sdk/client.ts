import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { connectionOptions } from '../connection.ts';
import { refusePlainHttp } from '../plain-http.ts';
import type { S3Settings } from '../settings.ts';

/**
 * The AWS SDK's client as Miyamoto configures it. Sends and looks up nothing before the first
 * request.
 */
export function createS3Client(settings: S3Settings): S3Client {
  const client = new S3Client({
    ...chosen(settings),
    forcePathStyle: settings.path_style ?? settings.endpoint !== undefined,
    // Bodies are buffers of a few MB at most. Waiting for `100 Continue` would cost a round trip,
    // and the SDK does not use the proxy for the connection on which it waits.
    expectContinueHeader: false,
    // Everything that matters is checked against signed metadata. This saves a header per poll and
    // one pass over each release.
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: connectionOptions(settings),
  });
  if (settings.allow_plain_http !== true) refuseOnPlainHttp(client);
  return client;
}

/** Checks each request before it is signed: an endpoint may also come from the environment. */
function refuseOnPlainHttp(client: S3Client): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      const { protocol, hostname } = args.request as { protocol: string; hostname: string };
      refusePlainHttp(`${protocol}//${hostname}`);
      return await next(args);
    },
    { step: 'finalizeRequest', priority: 'high', name: 'refusePlainHttp' },
  );
}

/** The region that the SDK finds in AWS_REGION or `~/.aws/config`; undefined if it finds none. */
export async function defaultRegion(profile: string | undefined): Promise<string | undefined> {
  const client = new S3Client(profile === undefined ? {} : { profile });
  try {
    return await client.config.region();
  } catch {
    return undefined; // the SDK throws an error without a code
  } finally {
    client.destroy();
  }
}

/** Only what is set. For the rest the SDK looks in the environment and in `~/.aws/config`. */
function chosen(settings: S3Settings): S3ClientConfig {
  const { endpoint, region, profile, checksums } = settings;
  return {
    ...(endpoint !== undefined && { endpoint }),
    ...(region !== undefined && { region }),
    ...(profile !== undefined && { profile }),
    ...(settings.retry_mode !== undefined && { retryMode: settings.retry_mode }),
    ...(settings.max_attempts !== undefined && { maxAttempts: settings.max_attempts }),
    ...(checksums !== undefined && {
      requestChecksumCalculation:
        checksums === 'when-required' ? 'WHEN_REQUIRED' : 'WHEN_SUPPORTED',
    }),
  };
}
