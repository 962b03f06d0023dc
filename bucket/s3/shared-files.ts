import { loadSharedConfigFiles } from '@smithy/core/config';

/** What the SDK reads of `~/.aws/config` and `~/.aws/credentials`: profiles by their names. */
export type SharedFiles = Awaited<ReturnType<typeof loadSharedConfigFiles>>;

/** A profile's keys and values. */
export type SharedProfile = Readonly<Record<string, string | undefined>>;

/** Reads both files. They are read each time, because they may have changed. */
export async function sharedFiles(): Promise<SharedFiles> {
  return await loadSharedConfigFiles({ ignoreCache: true });
}

/**
 * The keys of a profile in both files; a key of `~/.aws/config` replaces one of
 * `~/.aws/credentials`. Undefined when neither file has the profile.
 */
export function sharedProfile(
  { configFile, credentialsFile }: SharedFiles,
  name: string,
): SharedProfile | undefined {
  const found = [credentialsFile[name], configFile[name]];
  return found.every((part) => part === undefined) ? undefined : { ...found[0], ...found[1] };
}

/** What the section `[services NAME]` that a profile names says about S3. */
export function servicesOfProfile({ configFile }: SharedFiles, profile: SharedProfile) {
  return configFile[`services.${profile['services']}`];
}
