import { type GitPlace, gitList } from './git.ts';

/** What .gitattributes says of a path. */
export interface Attributes {
  /** Name of the filter that git would run; undefined: none. */
  readonly filter: string | undefined;
  readonly isExportIgnored: boolean;
}

/**
 * Attributes by path; paths without any are missing. `from` index: from the commit that was read
 * into the index of a clean room. `from` work tree: from the files there.
 */
export async function attributesOf(
  place: GitPlace,
  paths: readonly string[],
  from: 'index' | 'work tree',
): Promise<ReadonlyMap<string, Attributes>> {
  const cached = from === 'index' ? ['--cached'] : [];
  const args = ['check-attr', ...cached, '-z', '--stdin', 'filter', 'export-ignore'];
  const input = paths.map((path) => `${path}\0`).join('');
  const answers = await gitList(place, args, input);
  const found = new Map<string, Attributes>();
  for (let at = 0; at + 2 < answers.length; at += 3) {
    const [path = '', attribute, value = ''] = answers.slice(at, at + 3);
    if (value === 'unspecified' || value === 'unset') continue;
    const before = found.get(path) ?? { filter: undefined, isExportIgnored: false };
    // `filter` without a name is "set", which runs nothing.
    if (attribute === 'export-ignore') found.set(path, { ...before, isExportIgnored: true });
    else if (value !== 'set') found.set(path, { ...before, filter: value });
  }
  return found;
}
