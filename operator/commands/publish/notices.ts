import type { Source } from '../../release/source/read-source.ts';

const MAX_NAMED = 5;

/** What the operator should know about the source before it is published. */
export function sourceNotices({ gitIgnored }: Source): string[] {
  if (gitIgnored.length === 0) return [];
  const named = gitIgnored.slice(0, MAX_NAMED).join(', ');
  const more = gitIgnored.length - MAX_NAMED;
  return [`git ignores, so not published: ${named}${more > 0 ? ` and ${more} more` : ''}`];
}
