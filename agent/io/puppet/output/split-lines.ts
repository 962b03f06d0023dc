const MAX_LINE_BYTES = 8 * 1024;
const NEWLINE = 0x0a;

/** Splits bytes into lines of at most 8 kB each. Bytes that are not UTF-8 become U+FFFD. */
export function splitLines(onLine: (text: string) => void) {
  let parts: Buffer[] = [];
  let bufferedBytes = 0;
  let isCut = false;
  const add = (bytes: Buffer) => {
    const room = MAX_LINE_BYTES - bufferedBytes;
    isCut ||= bytes.length > room;
    const part = bytes.subarray(0, room);
    // The caller uses its buffer again for the next bytes.
    if (part.length > 0) parts.push(Buffer.from(part));
    bufferedBytes += part.length;
  };
  const flush = () => {
    const text = Buffer.concat(parts).toString('utf8').replace(/\r$/, '');
    onLine(isCut ? `${text}… (line cut)` : text);
    parts = [];
    bufferedBytes = 0;
    isCut = false;
  };
  return {
    push: (bytes: Buffer) => {
      let from = 0;
      for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, from)) {
        add(bytes.subarray(from, at));
        flush();
        from = at + 1;
      }
      add(bytes.subarray(from));
    },
    /** Passes on a last line that has no line feed. */
    end: () => {
      if (bufferedBytes > 0) flush();
    },
  };
}
