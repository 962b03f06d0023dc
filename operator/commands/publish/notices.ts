import { counted, someOf } from '../../../shared/counted.ts';
import type { Source } from '../../release/source/read-source.ts';

const MAX_NAMED = 5;

/** Remarks on the source, for the operator, before it is published. */
export function sourceNotices({ gitIgnored, warnings }: Source): string[] {
  if (gitIgnored.length === 0) return [...warnings];
  return [...warnings, `git ignores, so not published: ${someOf(gitIgnored, MAX_NAMED)}`];
}

/** For `--noop`: what rules left out, and the largest files. */
export function contentNotices({ leftOut, tree }: Source): string[] {
  const lines: string[] = [];
  for (const [why, paths] of Map.groupBy(leftOut, (each) => each.why)) {
    const bytes = paths.reduce((sum, each) => sum + each.bytes, 0);
    const named = someOf(
      paths.map(({ path }) => path),
      MAX_NAMED,
    );
    lines.push(
      `left out (${why}): ${counted(paths.length, 'file')}, ${counted(bytes, 'byte')}: ${named}`,
    );
  }
  const largest = tree.entries
    .flatMap((entry) => (entry.kind === 'file' ? [entry] : []))
    .sort((a, b) => b.content.length - a.content.length)
    .slice(0, MAX_NAMED)
    .map(({ path, content }) => `${path} (${counted(content.length, 'byte')})`);
  lines.push(`${counted(tree.entries.length, 'file')}; the largest: ${largest.join(', ')}`);
  return lines;
}
