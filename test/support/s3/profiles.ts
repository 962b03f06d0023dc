import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/**
 * Makes this process see a host whose `~/.aws/credentials` has only these profiles:
 * several users in one test, by the `profile` setting and through the SDK's own chain. Undone when
 * disposed.
 */
export async function useProfiles(
  profiles: Readonly<Record<string, Credentials>>,
): Promise<AsyncDisposable> {
  const directory = await mkdtemp(join(tmpdir(), 'miyamoto-test-aws-'));
  const credentials = join(directory, 'credentials');
  const sections = Object.entries(profiles).map(
    ([name, { accessKeyId, secretAccessKey }]) =>
      `[${name}]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`,
  );
  await writeFile(credentials, sections.join('\n'), { mode: 0o600 });
  const before = { ...process.env };
  for (const name of Object.keys(process.env))
    if (/^AWS_|_proxy$/i.test(name)) delete process.env[name];
  Object.assign(process.env, {
    AWS_SHARED_CREDENTIALS_FILE: credentials,
    AWS_CONFIG_FILE: join(directory, 'config'),
    AWS_EC2_METADATA_DISABLED: 'true',
  });
  return {
    async [Symbol.asyncDispose]() {
      process.env = before;
      await rm(directory, { recursive: true, force: true });
    },
  };
}
