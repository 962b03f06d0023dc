import { printable, printableLines } from './clean-text.ts';

/*
 * Every failure that Miyamoto expects has a code. The codes are API: operators search for them,
 * `docs/errors.md` lists them with what to do, and DISPOSITION says what the agent does next.
 */

/** What the agent does after an error with that code. */
export type Disposition =
  /** Try again with backoff; the current release keeps being applied. */
  | 'retry'
  /** Install nothing new until the cause is removed; keep the normal interval. */
  | 'hold'
  /**
   * Waiting does not help: end with an exit code after which the service manager does not restart
   * the agent.
   */
  | 'exit';

export const DISPOSITION = {
  CONFIG_INVALID: 'exit',
  CONFIG_MISSING: 'exit',
  FILE_UNSAFE: 'exit',
  ROOT_MISSING: 'exit',
  ROOT_INVALID: 'exit',
  USAGE: 'exit',
  PERMISSION_DENIED: 'exit',
  AGENT_MISSING: 'exit',
  DAEMON_MISSING: 'exit',
  FILE_FAILED: 'retry',

  S3_CREDENTIALS_MISSING: 'retry',
  S3_CREDENTIALS_REJECTED: 'retry',
  S3_ACCESS_DENIED: 'retry',
  S3_REGION_WRONG: 'retry',
  S3_BUCKET_MISSING: 'retry',
  S3_CLOCK_SKEWED: 'retry',
  S3_UNREACHABLE: 'retry',
  S3_SLOW_DOWN: 'retry',
  S3_NOT_FOUND: 'retry',
  S3_PRECONDITION_FAILED: 'retry',
  S3_TOO_LARGE: 'hold',
  S3_FAILED: 'retry',

  METADATA_MISSING: 'retry',
  METADATA_INVALID: 'hold',
  METADATA_UNSIGNED: 'hold',
  METADATA_MISMATCH: 'hold',
  METADATA_ROLLBACK: 'hold',
  METADATA_EXPIRED: 'hold',
  TREE_MISMATCH: 'hold',
  RELEASE_INVALID: 'hold',
  BLOB_MISMATCH: 'hold',
  BINARY_UNKNOWN: 'hold',
  ARCHIVE_UNSAFE: 'hold',
  ARCHIVE_TOO_LARGE: 'hold',
  DISK_FULL: 'retry',
  DISK_READ_ONLY: 'retry',

  PUPPET_MISSING: 'hold',
  PUPPET_NOT_STARTED: 'retry',
  PUPPET_FAILED: 'exit',
  FILES_MISSING: 'hold',
  HOST_DATA_FAILED: 'hold',
  HOOK_FAILED: 'hold',
  LOCKED: 'retry',

  GIT_FAILED: 'exit',
  ENVIRONMENT_UNKNOWN: 'exit',
  KEY_MISSING: 'exit',
  KEY_LOCKED: 'exit',
  KEY_INVALID: 'exit',
  ALREADY_INITIALIZED: 'exit',
  PUBLISH_LOST: 'exit',
  NOT_CONFIRMED: 'exit',
  PROPOSAL_INVALID: 'exit',
  THRESHOLD_UNMET: 'exit',
  STATE_MISSING: 'exit',
  STATUS_INVALID: 'exit',
} as const satisfies Record<string, Disposition>;

export type ErrorCode = keyof typeof DISPOSITION;

export interface CodedErrorOptions {
  readonly code: ErrorCode;
  readonly cause?: unknown;
  /** The next command to try, or what to do instead. */
  readonly next?: string;
  /** Data of the error for logs. Never a secret, a signed URL or a whole document. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/**
 * A failure with a code. The message says what was wanted, what was found, and where. It is one
 * line, even when it quotes text of others. A message of several lines is passed as an array.
 */
export class CodedError extends Error {
  /** Compares by name: each file of a bundled program has its own copy of this class. */
  static override [Symbol.hasInstance](value: unknown): value is CodedError {
    return value instanceof Error && value.name === 'CodedError';
  }

  override readonly name = 'CodedError';
  readonly code: ErrorCode;
  readonly next: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(message: string | readonly string[], options: CodedErrorOptions) {
    const { code, cause, next, details = {} } = options;
    super(cleanLines(message), cause === undefined ? undefined : { cause });
    this.code = code;
    this.next = next === undefined ? undefined : printable(next);
    this.details = details;
  }
}

const MAX_LINES = 100;
const MAX_LINE = 2000;

function cleanLines(message: string | readonly string[]): string {
  if (typeof message === 'string') return printable(message);
  return message
    .slice(0, MAX_LINES)
    .map((line) => printableLines(line.replaceAll('\n', ' '), MAX_LINE))
    .join('\n');
}
