import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { CodedError, type ErrorCode } from '../../../shared/coded-error.ts';
import type { Config } from '../../config/config.ts';
import type { CronFields } from '../../core/cron/fields.ts';
import type { Identity } from '../../core/status/status.ts';
import { ownProgram } from '../../program/self.ts';

/** What the daemon knows about its host. */
export interface DaemonSettings {
  readonly config: Config;
  readonly identity: Identity;
  /** The parsed cron expressions of the configuration, by their text. */
  readonly cronFields: Readonly<Record<string, CronFields>>;
}

/** What `mm-agent --settings` prints, as one line of JSON. */
export type SettingsAnswer =
  | DaemonSettings
  | {
      readonly error: {
        readonly code: ErrorCode;
        readonly message: string;
        readonly next: string | undefined;
      };
    };

/**
 * Lets a child read and check the configuration. The daemon then never loads the code for YAML and
 * schemas, which would be most of its memory. Throws the error of the child: CONFIG_MISSING,
 * CONFIG_INVALID, ROOT_MISSING.
 */
export async function readSettings(
  passedOn: readonly string[],
  limitMs = LIMIT_MS,
): Promise<DaemonSettings> {
  const { path, argv } = ownProgram('--settings', ...passedOn);
  const { stdout } = await promisify(execFile)(path, argv, {
    maxBuffer: MAX_ANSWER_BYTES,
    timeout: limitMs,
    killSignal: 'SIGKILL',
  });
  const answer = JSON.parse(stdout) as SettingsAnswer;
  if (!('error' in answer)) return answer;
  const { code, message, next } = answer.error;
  throw new CodedError(message, { code, ...(next !== undefined && { next }) });
}

/** A child that hangs, on a disk or on a name lookup, must not block the daemon. */
const LIMIT_MS = 60_000;

/** A configuration file may have 256 kB. */
const MAX_ANSWER_BYTES = 16 * 1024 ** 2;
