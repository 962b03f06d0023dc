import { version } from '../build.ts';
import { type Release, source } from './files.ts';

/** The version of package.json, and when the changelog says that it was made. */
export async function currentRelease(): Promise<Release> {
  const [name, changelog] = [await version(), await source('packaging/contents/changelog')];
  const time = changelogTime(changelog, name);
  const date = new Date(time * 1000).toISOString().slice(0, 'YYYY-MM-DD'.length);
  return { version: name, date, time, changelog };
}

/**
 * When the newest version in the Debian changelog was made, seconds since 1970. The changelog must
 * begin with the version that is being packed.
 */
export function changelogTime(changelog: string, version: string): number {
  const newest = /^\S+ \(([^)]+)\)[\s\S]*?^ -- .*> {2}(.+)$/m.exec(changelog);
  const at = Date.parse(newest?.[2] ?? '');
  if (newest?.[1] !== version || Number.isNaN(at)) {
    throw new Error(
      `packaging/contents/changelog begins with ${newest?.[1] ?? 'no version'}, package.json says ${version}`,
    );
  }
  return at / 1000;
}
