import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { CodedError } from '../../shared/coded-error.ts';

/** The two ends of a terminal. */
export interface Terminal {
  readonly input: NodeJS.ReadableStream;
  readonly output: { write(text: string): unknown };
}

/** Asks without showing what is typed. Throws KEY_LOCKED when the person breaks off. */
export function askHidden({ input, output }: Terminal, question: string): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  // As a terminal, so that readline switches off the system's own echo.
  const lines = createInterface({ input, output: nowhere, terminal: true });
  return new Promise((resolve, reject) => {
    output.write(question);
    lines.on('SIGINT', () => lines.close());
    lines.on('close', () => {
      output.write('\n');
      reject(new CodedError('no passphrase was given', { code: 'KEY_LOCKED' }));
    });
    lines.question('', (answer) => {
      resolve(answer);
      lines.close();
    });
  });
}
