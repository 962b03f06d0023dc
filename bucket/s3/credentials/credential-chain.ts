import { fromIni } from '@aws-sdk/credential-provider-ini';
import { defaultProvider } from '@aws-sdk/credential-provider-node';
import { memoize } from '@smithy/core/config';
import { requestLimitMs } from '../request.ts';
import { RequestHandler } from '../request-handler.ts';
import type { S3Settings } from '../settings.ts';
import { type SharedFiles, sharedFiles, sharedProfile } from '../shared-files.ts';
import { withLastAnswer } from './asked-servers.ts';
import { Helpers } from './helper.ts';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

type Provider = () => Promise<Credentials>;

/** The SDK asks for new credentials this long before the old ones expire. */
const REFRESH_BEFORE_MS = 5 * 60_000;

/**
 * Looks for credentials where the AWS SDK does, with the providers of the SDK, and keeps them until
 * they expire. A look-up has its own time limit. After the limit, everything that the look-up
 * started has ended, and the next call starts a new look-up. When the provider that a profile names
 * fails, its error is thrown: the next provider is not tried, so that the reason is not lost.
 */
export function credentialChain(
  {
    profile,
    region,
  }: { readonly profile: string | undefined; readonly region: string | undefined },
  settings: S3Settings,
): Provider {
  // STS and SSO use the same proxy and limits as S3.
  const parentClientConfig = {
    ...(region !== undefined && { region: async () => region }),
    requestHandler: new RequestHandler(settings),
  };
  const named = profile !== undefined && { profile };
  const open = async (): Promise<Provider> => {
    const files = await sharedFiles();
    const found = sharedProfile(files, profile ?? 'default');
    if (found === undefined && profile !== undefined) throw profileMissing(profile, files);
    requireSession(found?.['sso_session'], files);
    const isSaid = Object.keys(found ?? {}).some((key) => SAYS_HOW.test(key));
    if (!isSaid || (profile === undefined && hasKeys())) {
      const provider = defaultProvider({ ...named, parentClientConfig });
      return async () => await withLastAnswer(provider);
    }
    return memoize(fromIni({ ...named, parentClientConfig }), isOld, canExpire);
  };
  let provider: Promise<Provider> | undefined;
  return async () => {
    provider ??= open();
    const current = provider;
    try {
      const lookUp = async () => await (await current)();
      return requireKeys(await withinLimit(requestLimitMs(settings), lookUp));
    } catch (error) {
      provider = undefined;
      throw error;
    }
  };
}

/** The SDK does not look at the keys that a provider gives. */
function requireKeys(found: Credentials): Credentials {
  const { accessKeyId, secretAccessKey, sessionToken } = found;
  if (!accessKeyId || !secretAccessKey)
    throw new Error('the provider answered without an access key or its secret');
  // A key may have been copied or read with a line break. S3 would only say that the key is wrong.
  const odd = Object.entries({ accessKeyId, secretAccessKey, sessionToken }).find(([, value]) =>
    /^\s|\s$|\p{Cc}/u.test(value ?? ''),
  );
  if (odd === undefined) return found;
  throw new Error(`the ${odd[0]} begins or ends with a space, or has a line break`);
}

/** Keys of a profile that say where its credentials come from. */
const SAYS_HOW =
  /^(aws_access_key_id|role_arn|credential_process|sso_\w+|web_identity_token_file|login_\w+)$/;

function isOld({ expiration }: Credentials): boolean {
  return expiration !== undefined && expiration.getTime() - Date.now() < REFRESH_BEFORE_MS;
}

function canExpire({ expiration }: Credentials): boolean {
  return expiration !== undefined;
}

/**
 * As in the SDK: keys of the environment replace those of a profile, unless the profile was named.
 */
function hasKeys(): boolean {
  // biome-ignore lint/style/noProcessEnv: the SDK reads the same variables
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret } = process.env;
  return Boolean(id && secret);
}

/** The SDK would continue with an instance role, although the user named a profile. */
function profileMissing(profile: string, files: SharedFiles): Error {
  const names = Object.keys({ ...files.credentialsFile, ...files.configFile });
  const others = names.filter((name) => !/^(services|sso-session)\./.test(name));
  const found = others.length === 0 ? 'none' : others.slice(0, 10).join(', ');
  return new Error(
    `there is no profile ${profile} in ~/.aws/config or ~/.aws/credentials, found ${found}`,
  );
}

/** Without this check the message of the SDK is "cannot read properties of undefined". */
function requireSession(name: string | undefined, { configFile }: SharedFiles): void {
  if (name === undefined || configFile[`sso-session.${name}`] !== undefined) return;
  throw new Error(`the profile needs [sso-session ${name}], which ~/.aws/config does not have`);
}

async function withinLimit<T>(limitMs: number, lookUp: () => Promise<T>): Promise<T> {
  const helpers = new Helpers();
  const { promise: passed, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(new Error(`the look-up took longer than ${limitMs / 1000} s${helpers.end()}`));
  }, limitMs);
  try {
    return await Promise.race([passed, helpers.run(lookUp)]);
  } finally {
    clearTimeout(timer);
  }
}
