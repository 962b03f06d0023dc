import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printJson, printLines } from '../../../../operator/cli/terminal/print-list.ts';

const ENTRIES = 10;
const READS = 3;

interface Row {
  readonly isJson: boolean;
  readonly isJudged: boolean;
  /** Entries that are read when the reader closes the pipe after the second line. */
  readonly read: number;
  readonly hasEnd: boolean;
}

const ROWS: Readonly<Record<string, Row>> = {
  lines: { isJson: false, isJudged: false, read: READS, hasEnd: false },
  JSON: { isJson: true, isJudged: false, read: READS, hasEnd: false },
  'lines with --fail-over': { isJson: false, isJudged: true, read: ENTRIES, hasEnd: true },
  'JSON with --fail-over': { isJson: true, isJudged: true, read: ENTRIES, hasEnd: true },
};

for (const [name, { isJson, isJudged, read, hasEnd }] of Object.entries(ROWS)) {
  test(`print-list: ${name}: what nobody reads is read only when it is judged`, async () => {
    let count = 0;
    let isClosed = false;
    async function* entries() {
      try {
        while (count < ENTRIES) {
          count += 1;
          yield await Promise.resolve({ count });
        }
      } finally {
        isClosed = true;
      }
    }
    async function* lines(all: AsyncIterable<{ count: number }>) {
      for await (const each of all) yield String(each.count);
    }
    const end = () => ({ document: {}, notices: [] });
    const list = { head: {}, name: 'list', entries: entries(), lines, isJudged, end };
    const output = { out: () => undefined, isReaderGone: () => count >= READS };
    const done = await (isJson ? printJson(list, output, () => ({})) : printLines(list, output));
    assert.deepEqual([count, done !== undefined, isClosed], [read, hasEnd, true]);
  });
}
