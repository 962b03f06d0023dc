import { printable } from '../../../../shared/clean-text.ts';
import { counted } from '../../../../shared/counted.ts';
import { redact } from '../../../../shared/log/redact.ts';
import { hideKeys } from './hide-keys.ts';
import { splitLines } from './split-lines.ts';

/** How much of the output of a run stays on the host, in bytes. */
export const MAX_KEPT_BYTES = 1024 ** 2;

/**
 * What Puppet printed, as it may be kept and shown: control characters are removed, and credentials
 * and private keys are hidden, as in the log. Of an output that is too large the end is kept, which
 * has the errors of most runs.
 */
export function keptOutput(printed: Buffer, maxBytes = MAX_KEPT_BYTES): string {
  const hidden = hideKeys();
  const lines: string[] = [];
  const split = splitLines((text) => {
    const indent = /^ */.exec(text)?.[0] ?? '';
    lines.push(indent + printable(redact(hidden(text)), Number.POSITIVE_INFINITY));
  });
  split.push(printed);
  split.end();
  return lastLines(lines, maxBytes);
}

function lastLines(lines: readonly string[], maxBytes: number): string {
  let bytes = 0;
  const last = lines.findLastIndex((line) => {
    bytes += Buffer.byteLength(line) + 1;
    return bytes > maxBytes;
  });
  const kept = lines.slice(last + 1).map((line) => `${line}\n`);
  return last === -1
    ? kept.join('')
    : `(left out before this: ${counted(last + 1, 'line')})\n${kept.join('')}`;
}
