import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { credentialChain } from '../credentials/credential-chain.ts';
import type { S3Wanted } from '../errors/answer-meaning.ts';
import { credentialsMissing, regionMissing } from '../errors/errors.ts';
import { RequestHandler } from '../request-handler.ts';
import type { S3Settings } from '../settings.ts';
import { usableOffset } from '../signing-clock.ts';

/** The AWS SDK's client as Miyamoto configures it. Does no I/O before the first request. */
export function createS3Client(settings: S3Settings): S3Client {
  // biome-ignore lint/style/noProcessEnv: where the SDK itself looks for the profile
  const profile = settings.profile ?? (process.env['AWS_PROFILE'] || undefined);
  return new S3Client({
    ...chosen(settings),
    credentials: credentialChain({ profile, region: settings.region }, settings),
    // The region of an access point is in its ARN.
    useArnRegion: true,
    forcePathStyle: settings.path_style ?? settings.endpoint !== undefined,
    // Bodies are buffers of a few MB at most. Waiting for `100 Continue` would cost a round trip,
    // and the SDK does not use the proxy for the connection on which it waits.
    expectContinueHeader: false,
    // Signed metadata already has the hash of every file. Without S3's own checksums each poll
    // saves a header, and each release one pass over its bytes.
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: new RequestHandler(settings),
  });
}

/**
 * Returns the region, and makes the SDK cache the credentials. A separate step, because the error
 * of a provider, for example a refused AssumeRole, looks like an error of S3.
 */
export async function prepareClient({ config }: S3Client, wanted: S3Wanted): Promise<string> {
  const region = await config.region().catch((cause: unknown) => {
    throw regionMissing(wanted, cause);
  });
  await config.credentials().catch((cause: unknown) => {
    throw credentialsMissing(wanted, cause);
  });
  config.systemClockOffset = usableOffset(config.systemClockOffset);
  return region;
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

/** Only what is set. The SDK finds the rest in the environment and in `~/.aws/config`. */
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
