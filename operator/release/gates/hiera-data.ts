import { pathInEnvironment } from '../../../bucket/documents/environment-conf.ts';
import type { FileEntry } from '../tree/tree.ts';

export const HIERA = 'hiera.yaml';
/** In bytes. A hiera.yaml that a person wrote is smaller. */
const MAX_BYTES = 1024 ** 2;
/** Where Puppet looks when nothing else is said. */
const DEFAULT = 'data';
/** The value of a `datadir`, up to the first interpolation. */
const DATADIR = /^[^#\n]*?(?<![\w:])["']?datadir["']?[ \t]*:[ \t]*["']?([^"'\n,}#%]*)(%?)/gm;

/**
 * The directories with data that a `hiera.yaml` names, relative to its own: each `datadir`, up to
 * the first `%{…}`. The file is searched line by line, because a hostile file could keep a YAML
 * reader busy without limit. An additional directory only means that more data is checked.
 */
export function dataDirectories(hiera: FileEntry | undefined): readonly string[] {
  const isRead = hiera !== undefined && hiera.content.length <= MAX_BYTES;
  const text = isRead ? hiera.content.read().toString('utf8') : '';
  const given = [...text.matchAll(DATADIR)].map(([, value = '', cut]) =>
    cut === '' ? value.trim() : value.slice(0, value.lastIndexOf('/') + 1),
  );
  const inside = [DEFAULT, ...given].map(pathInEnvironment);
  return [...new Set(inside.filter((path) => path !== undefined))];
}
