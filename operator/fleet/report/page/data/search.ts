import type { Fleet, ValueColumn } from './fleet.ts';

/** 1 for each host that has all words, in its name or in one of its values. */
export function found(fleet: Fleet, words: readonly string[]): Uint8Array {
  const hits = new Uint8Array(fleet.hosts).fill(1);
  for (const word of words) {
    const own = hostsWith(fleet, word);
    for (let host = 0; host < hits.length; host += 1)
      hits[host] = (hits[host] ?? 0) & (own[host] ?? 0);
  }
  return hits;
}

function hostsWith({ names, columns, hosts }: Fleet, word: string): Uint8Array {
  const hits = new Uint8Array(hosts);
  markNames(hits, names.text, word);
  for (const column of columns.values()) {
    const isHit = Uint8Array.from(column.values, (value) =>
      Number(value.toLowerCase().includes(word)),
    );
    if (isHit.includes(1)) markValues(hits, column, isHit);
  }
  return hits;
}

/** All names are one text, so that the browser itself searches: 20 times as fast as one by one. */
function markNames(hits: Uint8Array, text: string, word: string): void {
  let host = 0;
  let end = text.indexOf('\n');
  let at = text.indexOf(word);
  while (at !== -1) {
    while (end !== -1 && end < at) {
      host += 1;
      end = text.indexOf('\n', end + 1);
    }
    hits[host] = 1;
    if (end === -1) return;
    at = text.indexOf(word, end);
  }
}

function markValues(hits: Uint8Array, column: ValueColumn, isHit: Uint8Array): void {
  const { cells } = column;
  if (column.kind === 'one') {
    for (let host = 0; host < hits.length; host += 1)
      hits[host] = (hits[host] ?? 0) | (isHit[cells[host] ?? 0] ?? 0);
    return;
  }
  const { starts } = column;
  for (let host = 0; host < hits.length; host += 1) {
    const end = starts[host + 1] ?? 0;
    for (let at = starts[host] ?? 0; at < end; at += 1) {
      if (isHit[cells[at] ?? 0] === 1) hits[host] = 1;
    }
  }
}
