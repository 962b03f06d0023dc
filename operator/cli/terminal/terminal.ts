import { createInterface, emitKeypressEvents, type Key } from 'node:readline';
import { CodedError } from '../../../shared/coded-error.ts';

/** Input and output of a terminal. */
export interface Terminal {
  readonly input: NodeJS.ReadableStream & { setRawMode?(isRaw: boolean): unknown };
  readonly output: { write(text: string): unknown };
}

/**
 * Asks a question and hides the typed answer. Does not use readline's line editor: with TERM=dumb
 * that editor reads Backspace as a character. Keys after the end of the line, as in a paste of two
 * lines, are kept for the next question. Throws KEY_LOCKED when the user cancels.
 */
export function askHidden({ input, output }: Terminal, question: string): Promise<string> {
  emitKeypressEvents(input);
  return new Promise((resolve, reject) => {
    let line = '';
    let end: LineEnd | undefined;
    let rest = '';
    const finish = (): void => {
      input.off('keypress', onKey).off('end', onEnd).pause();
      // The "\n" of a pasted "\r\n" belongs to the same line end.
      if (end === 'return') rest = rest.replace(/^\n/, '');
      if (rest !== '') input.unshift(Buffer.from(rest));
      input.setRawMode?.(false);
      output.write('\n');
      if (end === 'return' || end === 'enter') resolve(line);
      else reject(new CodedError('no passphrase was given', { code: 'KEY_LOCKED' }));
    };
    const onEnd = (): void => {
      end ??= 'cancelled';
      finish();
    };
    const onKey = (text: string | undefined, key: Key): void => {
      if (end !== undefined) {
        rest += key.sequence ?? '';
        return;
      }
      end = lineEnd(line, key);
      if (end === undefined) line = edited(line, text, key);
      else queueMicrotask(finish); // the other keys of this chunk come first
    };
    input.on('keypress', onKey).on('end', onEnd);
    // Must come before the question: the user types as soon as it appears, and the system would
    // echo.
    input.setRawMode?.(true);
    output.write(question);
    input.resume();
  });
}

/** Asks a question and shows the typed answer. The end of the input counts as an empty answer. */
export function askLine(
  {
    input,
    output,
  }: { readonly input: NodeJS.ReadableStream; readonly output: NodeJS.WritableStream },
  question: string,
): Promise<string> {
  return new Promise((resolve) => {
    const lines = createInterface({ input, output });
    lines.on('close', () => resolve(''));
    lines.question(question, (answer) => {
      resolve(answer.trim());
      lines.close();
    });
  });
}

type LineEnd = 'return' | 'enter' | 'cancelled';

/** In raw mode the system sends no signal for Ctrl-C and no end of file for Ctrl-D. */
function lineEnd(line: string, { name, ctrl }: Key): LineEnd | undefined {
  if (name === 'return' || name === 'enter') return name;
  const isCancelled = ctrl === true && (name === 'c' || (name === 'd' && line === ''));
  return isCancelled ? 'cancelled' : undefined;
}

/**
 * The line after a key. `text` is undefined for keys without a character, such as the arrow keys.
 */
function edited(line: string, text: string | undefined, { name, ctrl, meta }: Key): string {
  if (meta === true) return line;
  if (name === 'backspace') return line.replace(/.$/su, '');
  if (ctrl === true && name === 'u') return '';
  if (ctrl === true && name === 'w') return line.replace(/\S*\s*$/, '');
  if (text === undefined || /[^\P{Cc}\t]/u.test(text)) return line;
  return line + text;
}
