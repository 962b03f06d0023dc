import { parse } from 'yaml';
import {
  type EnvironmentConf,
  pathInEnvironment,
} from '../../../bucket/documents/environment-conf.ts';
import { printable } from '../../../shared/clean-text.ts';
import { jsonObject } from '../../../shared/json.ts';
import { textAt } from '../tree/file-at.ts';
import type { TreeEntry } from '../tree/tree.ts';

const HIERA = 'hiera.yaml';

/**
 * Warns about the manifest of environment.conf and the directories of data of hiera.yaml that are
 * outside of the environment, because they are not in the release. A hiera.yaml that is not YAML
 * gives no warning: a gate refuses it.
 */
export function outsideWarnings(
  entries: readonly TreeEntry[],
  { manifest }: EnvironmentConf,
): string[] {
  const datadirs = datadirsOf(textAt(entries, HIERA) ?? '');
  return [
    ...(manifest === undefined ? [] : warningsOf('environment.conf: manifest', ' =', manifest)),
    ...datadirs.flatMap((datadir) => warningsOf(`${HIERA}: datadir`, ':', datadir)),
  ];

  function warningsOf(what: string, sign: string, path: string): string[] {
    if (pathInEnvironment(path) !== undefined || OF_HOSTS.test(path)) return [];
    const own = ownPath(path, entries);
    const where = `${what} ${printable(path, 200)} is outside of the environment`;
    if (own === undefined) {
      return [`${where}: it is not published, so each host needs it there`];
    }
    const name = what.split(' ').at(-1);
    return [`${where}, where no host looks for ${own} of a release: write ${name}${sign} ${own}`];
  }
}

/** The agent knows where the environments of its host are. */
const OF_HOSTS = /^\$environmentpath\/[^/$]+\//;

/** On a Puppet server, `…/environments/%{environment}/data` is a directory of the environment. */
function ownPath(path: string, entries: readonly TreeEntry[]): string | undefined {
  const inside = /(?:\/environments|^\$environmentpath)\/[^/]+\/(.+?)\/*$/.exec(path)?.[1];
  const isThere = entries.some(
    (each) => each.path === inside || each.path.startsWith(`${inside}/`),
  );
  return isThere ? inside : undefined;
}

/** Of version 5 (`datadir`) and of version 3 (`:datadir`). */
function datadirsOf(text: string): string[] {
  let document: unknown;
  try {
    document = parse(text);
  } catch {
    return [];
  }
  const found = new Set<string>();
  const collect = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(collect);
    for (const [key, inner] of Object.entries(Array.isArray(value) ? {} : jsonObject(value))) {
      if (/^:?datadir$/.test(key) && typeof inner === 'string') found.add(inner);
      else collect(inner);
    }
  };
  collect(document);
  return [...found];
}
