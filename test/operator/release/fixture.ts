import type { SourceTree, TreeEntry } from '../../../operator/release/tree.ts';

export function file(path: string, text = '', isExecutable = false): TreeEntry {
  return { kind: 'file', path, isExecutable, content: Buffer.from(text) };
}

export function link(path: string, target: string): TreeEntry {
  return { kind: 'link', path, target };
}

/** A small environment of one commit. */
export function sourceTree(...more: readonly TreeEntry[]): SourceTree {
  return {
    entries: [file('manifests/site.pp', 'node default { }\n'), ...more],
    emptySubmodules: [],
    commit: '0123456789abcdef0123456789abcdef01234567',
    ref: 'main',
    committedAt: new Date('2026-03-01T12:00:00Z'),
  };
}
