import { lstatSync, readdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ENVIRONMENT_NAME } from '../../bucket/documents/name-rules.ts';
import { isFileError, orUndefined } from '../../shared/files.ts';
import type { HostPaths } from '../paths.ts';

/** An obstacle in the place of a file or directory of the agent. */
export interface MovedAside {
  readonly path: string;
  readonly to: string;
}

/**
 * Moves aside what the agent cannot replace by writing: a file where it needs a directory, or a
 * directory where it needs a file or a link. Later steps create what is then missing. A link to a
 * directory stays, because it may lead to another disk. A broken link stays for a person to repair,
 * because that disk may come back. Never throws.
 */
export function moveObstaclesAside(paths: HostPaths): readonly MovedAside[] {
  const obstacles = [
    ...directoriesOf(paths).filter(isNoDirectory),
    ...filesOf(paths).filter(isOwnDirectory),
  ];
  return obstacles.flatMap((path) => {
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

/** False for a broken link, but true for a link to itself: no disk can correct it. */
function isNoDirectory(path: string): boolean {
  try {
    return !statSync(path).isDirectory();
  } catch (error) {
    return isFileError(error, 'ELOOP');
  }
}

function isOwnDirectory(path: string): boolean {
  return orUndefined(() => lstatSync(path))?.isDirectory() === true;
}
