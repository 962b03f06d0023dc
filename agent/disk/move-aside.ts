import { lstatSync, readdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ENVIRONMENT_NAME } from '../../bucket/documents/name-rules.ts';
import { orUndefined } from '../../shared/files.ts';
import type { HostPaths } from '../paths.ts';

/** What stood in the place of a file or directory of the agent. */
export interface MovedAside {
  readonly path: string;
  readonly to: string;
}

/**
 * Moves aside what cannot be replaced in the state directory: a file where the agent needs a
 * directory, or a directory where it needs a file or a link. It makes what is missing again.
 * Everything else is replaced when the agent writes. A link to a directory may lead to another
 * disk, and one that leads nowhere is left for a person, because the disk may come back. Never
 * throws.
 */
export function moveOddAside(paths: HostPaths): readonly MovedAside[] {
  const odd = [
    ...directoriesOf(paths).filter(isNoDirectory),
    ...filesOf(paths).filter(isOwnDirectory),
  ];
  return odd.flatMap((path) => {
    const to = `${path}.odd-${Date.now()}`;
    const move = () => {
      renameSync(path, to);
      return [{ path, to }];
    };
    return orUndefined(move) ?? [];
  });
}

function directoriesOf(paths: HostPaths): readonly string[] {
  const { trust, blobs, releases, environments, runs, history, view, reserves } = paths;
  const { rubyCache, factCache, binaries } = paths;
  return [
    ...[trust, blobs, releases, environments, runs, history, view, reserves],
    ...[rubyCache, factCache, binaries],
  ];
}

function filesOf({ trust, environments, ...paths }: HostPaths): readonly string[] {
  const { stateFile, facts, keptName, checkedConfig } = paths;
  const links = orUndefined(() => readdirSync(environments)) ?? [];
  return [
    ...[stateFile, facts, keptName, checkedConfig],
    ...[join(trust, 'current'), join(trust, 'record.json')],
    ...links.filter((name) => ENVIRONMENT_NAME.test(name)).map((name) => join(environments, name)),
  ];
}

/** False for a link that leads nowhere. */
function isNoDirectory(path: string): boolean {
  return orUndefined(() => statSync(path))?.isDirectory() === false;
}

function isOwnDirectory(path: string): boolean {
  return orUndefined(() => lstatSync(path))?.isDirectory() === true;
}
