import { AGENT_GUARDS } from './guards-agent.ts';
import { BUCKET_GUARDS } from './guards-bucket.ts';
import { CONNECTION_GUARDS } from './guards-connection.ts';
import { HOST_DATA_GUARDS } from './guards-host-data.ts';
import { LEFT_ALONE_GUARDS } from './guards-host-left-alone.ts';
import { HOST_GUARDS } from './guards-hosts.ts';
import { LIMIT_GUARDS } from './guards-limits.ts';
import { MOVING_GUARDS } from './guards-moving.ts';
import { PREVIEW_GUARDS } from './guards-preview.ts';
import { PUBLISHER_GUARDS } from './guards-publisher.ts';
import { READER_GUARDS } from './guards-reader.ts';
import { RECOVERY_GUARDS } from './guards-recovery.ts';
import { SIGNER_GUARDS } from './guards-signers.ts';
import { THEFT_GUARDS } from './guards-theft.ts';

/** A line of the product that keeps an invariant, and the test that must fail without it. */
export interface Guard {
  /** One of `INVARIANTS`, or the attack or setting that the line is for. */
  readonly invariant: string;
  /** From the root of the checkout. */
  readonly file: string;
  /** Occurs exactly once in the file; may be a part of a line. */
  readonly line: string;
  /** The text that replaces it when the guard is removed. */
  readonly instead: string;
  /** The test's file. */
  readonly test: string;
  /** Regular expression for the name of one or several tests. */
  readonly name: string;
}

export const GUARDS: readonly Guard[] = [
  ...READER_GUARDS,
  ...LIMIT_GUARDS,
  ...AGENT_GUARDS,
  ...LEFT_ALONE_GUARDS,
  ...HOST_DATA_GUARDS,
  ...CONNECTION_GUARDS,
  ...PUBLISHER_GUARDS,
  ...PREVIEW_GUARDS,
  ...MOVING_GUARDS,
  ...BUCKET_GUARDS,
  ...HOST_GUARDS,
  ...THEFT_GUARDS,
  ...RECOVERY_GUARDS,
  ...SIGNER_GUARDS,
];
