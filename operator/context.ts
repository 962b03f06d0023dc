import type { Bucket } from '../bucket/bucket.ts';
import type { S3Settings } from '../bucket/s3/settings.ts';

/** What commands need from the world; `main.ts` wires it, tests replace it. */
export interface Context {
  readonly cwd: string;
  readonly home: string;
  /** For children such as git and puppet, and for MM_KEY_PASSPHRASE_FILE. */
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** The person or CI job at work, as the system names them. */
  readonly user: string;
  readonly host: string;
  /** ms since 1970. */
  now(): number;
  /** A line beside the answer, on stderr. */
  notice(line: string): void;
  /** Asks without showing what is typed; undefined without a terminal. */
  readonly ask: ((question: string) => Promise<string>) | undefined;
  openBucket(name: string, settings: S3Settings): Bucket;
}

/** What a command has to say on stdout: the document with `--json`, the lines without. */
export interface Answer {
  readonly document: object;
  readonly lines: readonly string[];
  /** 1: the command did its work, and what it found is bad. */
  readonly exitCode?: 1 | undefined;
}

/** Options that every command takes. */
export interface CommonOptions {
  readonly config?: string | undefined;
  readonly tree?: string | undefined;
  readonly json?: boolean | undefined;
}

/** Options of commands that sign. */
export interface SigningOptions extends CommonOptions {
  readonly keys?: string | undefined;
  readonly passphraseFile?: string | undefined;
  readonly passphraseFd?: number | undefined;
  readonly noop?: boolean | undefined;
}
