import type { Bucket } from '../bucket/bucket.ts';
import type { S3Settings } from '../bucket/s3/settings.ts';
import type { ShowProgress } from './repository/progress.ts';

/** What commands need from outside. `main.ts` builds it from the process; tests build their own. */
export interface Context {
  readonly cwd: string;
  readonly home: string;
  /** Passed to child processes such as git and puppet. `MM_KEY_PASSPHRASE_FILE` is read from it. */
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** Name of the system user who runs the command: a person or a CI job. */
  readonly user: string;
  readonly host: string;
  /** Whether the command runs as root. */
  readonly isRoot?: boolean | undefined;
  /** The program that starts mm-agent, and its first arguments. Undefined: it is not installed. */
  readonly agentCommand?: readonly string[] | undefined;
  /** Milliseconds since 1970. */
  now(): number;
  /** Writes one line to the log on stderr, beside the answer. */
  notice(line: string): void;
  /**
   * Writes a whole line to stderr, without cuts and redactions. For content that a person is asked
   * to sign. Undefined: `notice` writes whole lines.
   */
  readonly show?: ((line: string) => void) | undefined;
  /** Shows the progress of long work. Left out: nothing is shown. */
  readonly showProgress?: ShowProgress | undefined;
  /** Applies `log.format` of the configuration. */
  setLogFormat(format: 'text' | 'json'): void;
  /** Asks a question and hides the typed answer. Undefined without a terminal. */
  readonly ask: ((question: string) => Promise<string>) | undefined;
  /** Asks a question and returns the line that was typed. Left out without a terminal. */
  readonly askLine?: ((question: string) => Promise<string>) | undefined;
  /** Width of the terminal on stdout. Left out when stdout is something else. */
  readonly columns?: number | undefined;
  /** Waits this long, in ms. Returns whether a command that watches continues. */
  wait(ms: number): Promise<boolean>;
  openBucket(name: string, settings: S3Settings): Promise<Bucket>;
}

/** The answer on stdout: the document with `--json`, the lines without it. */
export interface Answer {
  readonly document: object;
  readonly lines: readonly string[];
  /** Left out: 0. 1: the command succeeded in finding a problem. `mm apply` has others. */
  readonly exitCode?: number | undefined;
}

/**
 * An answer with an entry for each of many hosts. It is printed while it is read, so that a large
 * fleet needs little memory. With `--json` it is one document: `head`, the list, `end`.
 */
export interface ListAnswer<T extends object = object> {
  /** The fields before the list. */
  readonly head: object;
  /** The name of the list in the document. */
  readonly name: string;
  readonly entries: AsyncIterable<T>;
  /** The entries as a person reads them. */
  lines(entries: AsyncIterable<T>): AsyncIterable<string>;
  /** True: the exit code is about all entries, so all are read, also for a reader that has gone. */
  readonly isJudged: boolean;
  /** Called after the last entry. */
  end(): ListEnd;
}

export interface ListEnd {
  /** The fields after the list. */
  readonly document: object;
  /** Notices for a person, on stderr: stdout has the list only. */
  readonly notices: readonly string[];
  readonly exitCode?: 1 | undefined;
}

/** Options of every command. */
export interface CommonOptions {
  readonly config?: string | undefined;
  readonly tree?: string | undefined;
  readonly json?: boolean | undefined;
}

/** Options of the commands that use signing keys. */
export interface SigningOptions extends CommonOptions {
  readonly keys?: string | undefined;
  readonly passphraseFile?: string | undefined;
  readonly passphraseFd?: number | undefined;
  readonly noop?: boolean | undefined;
}
