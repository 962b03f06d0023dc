import type { Bucket } from '../bucket/bucket.ts';
import type { S3Settings } from '../bucket/s3/settings.ts';

/** What commands need from outside. `main.ts` builds it from the process; tests build their own. */
export interface Context {
  readonly cwd: string;
  readonly home: string;
  /** Passed to child processes such as git and puppet. `MM_KEY_PASSPHRASE_FILE` is read from it. */
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** Name of the system user who runs the command: a person or a CI job. */
  readonly user: string;
  readonly host: string;
  /** Milliseconds since 1970. */
  now(): number;
  /** Writes one line to the log on stderr, beside the answer. */
  notice(line: string): void;
  /**
   * Writes a line to stderr whole: not cut, and with nothing redacted. For what a person is asked
   * to sign. Undefined: `notice` writes whole lines.
   */
  readonly show?: ((line: string) => void) | undefined;
  /** Applies `log.format` of the configuration. */
  setLogFormat(format: 'text' | 'json'): void;
  /** Asks a question and hides the typed answer. Undefined without a terminal. */
  readonly ask: ((question: string) => Promise<string>) | undefined;
  /** Asks a question and returns the line that was typed. Left out without a terminal. */
  readonly askLine?: ((question: string) => Promise<string>) | undefined;
  openBucket(name: string, settings: S3Settings): Bucket;
}

/** What a command prints on stdout: the document with `--json`, the lines without it. */
export interface Answer {
  readonly document: object;
  readonly lines: readonly string[];
  /** 1 when the command did its work and found a problem. */
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
