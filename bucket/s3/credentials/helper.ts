import { AsyncLocalStorage } from 'node:async_hooks';
import { stripVTControlCharacters } from 'node:util';
import { externalDataInterceptor } from '@smithy/core/config';
import { messageOf, printable } from '../../../shared/clean-text.ts';
import { startInGroup } from '../../../shared/program/process-group.ts';

/**
 * Limit of the output in characters. The SDK starts a helper by `exec` of Node, which has the same
 * limit.
 */
const MAX_OUTPUT = 1024 * 1024;
/**
 * Characters of stderr that a message quotes: the end, because a long trace comes before the
 * reason.
 */
const MAX_WORDS = 300;

/** The helpers of the look-up that is under way. */
const lookUps = new AsyncLocalStorage<Helpers>();

interface Running {
  /** The name of the program. */
  readonly name: string;
  /** The end of what it wrote to stderr. */
  readonly words: () => string;
  /** Ends it with its children. */
  readonly end: () => void;
}

/** Each `credential_process` that one look-up of credentials starts. */
export class Helpers {
  readonly #running = new Set<Running>();
  #hasEnded = false;

  async run<T>(lookUp: () => Promise<T>): Promise<T> {
    // The SDK offers no other way to stop a helper, or to read what it wrote to stderr.
    externalDataInterceptor.interceptToken('exec', runHelper);
    return await lookUps.run(this, lookUp);
  }

  /** Registers a helper that has started. Returns a function to call when it has ended. */
  add(helper: Running): () => void {
    // When a helper was ended, the SDK continues with the next profile and starts its helper.
    if (this.#hasEnded) helper.end();
    this.#running.add(helper);
    return () => this.#running.delete(helper);
  }

  /**
   * Ends the helpers that still run. Returns their names and what they wrote, as the end of a
   * message.
   */
  end(): string {
    this.#hasEnded = true;
    const all = [...this.#running];
    for (const { end } of all) end();
    return all.map(({ name, words }) => ` (${name} has not ended${words()})`).join('');
  }
}

type Done = (error: Error | null, output?: { readonly stdout: string }) => void;

/** `exec` of Node as the SDK calls it, with stderr in the error. */
function runHelper(command: string, done: Done): void {
  let stderr = '';
  const name = programOf(command);
  const words = () => lastWords(stderr);
  const { answer, end } = startInGroup('/bin/sh', ['-c', command], {
    name,
    maxOutput: MAX_OUTPUT,
    stderr: (text) => {
      stderr = (stderr + text).slice(-2 * MAX_WORDS);
    },
  });
  const remove = lookUps.getStore()?.add({ name, words, end });
  const finish: Done = (...result) => {
    remove?.();
    done(...result);
  };
  answer.then(
    (stdout) => finish(null, { stdout }),
    (error) => finish(new Error(`${messageOf(error, 1000)}${words()}`)),
  );
}

/** Whole lines, unless the last one is too long. */
function lastWords(text: string): string {
  const end = text.trimEnd();
  const cut = end.slice(-MAX_WORDS);
  const whole = cut === end ? cut : cut.slice(cut.indexOf('\n') + 1);
  const words = printable(stripVTControlCharacters(whole));
  return words === '' ? '' : `: ${words}`;
}

/** Without its arguments, which may be secret. */
function programOf(command: string): string {
  return `credential_process ${printable(command.trim().split(/\s+/)[0] ?? '', 200)}`;
}
