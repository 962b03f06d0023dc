import fs from 'node:fs';

/**
 * Loaded with `node --import` into a real agent. Its clock is off by the milliseconds in the file
 * that MM_CLOCK_OFF names: the file may change while the agent runs. The clock of the machine that
 * runs the tests cannot be set.
 */
// graceful-fs asks for the time whenever a file is closed, so this one stays open.
const { readSync } = fs;
const fd = fs.openSync(process.env['MM_CLOCK_OFF'] ?? '', 'r');
const bytes = Buffer.alloc(20);
const RealDate = Date;
const realNow = Date.now.bind(Date);
let offMs = 0;

function now() {
  const length = readSync(fd, bytes, 0, bytes.length, 0);
  // It is empty for a moment while it is written.
  if (length > 0) offMs = Number(bytes.toString('latin1', 0, length));
  return realNow() + offMs;
}

globalThis.Date = class extends RealDate {
  /** @param {readonly any[]} words */
  constructor(...words) {
    // @ts-expect-error: the constructors of Date have different numbers of arguments
    super(...(words.length === 0 ? [now()] : words));
  }

  static now() {
    return now();
  }
};
