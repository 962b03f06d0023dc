import type { Guard } from './guards.ts';
import { AGENT_GUARDS } from './guards-agent.ts';
import { ARCHIVE_GUARDS } from './guards-archive.ts';
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
  ...ARCHIVE_GUARDS,
  ...HOST_GUARDS,
  ...THEFT_GUARDS,
  ...RECOVERY_GUARDS,
  ...SIGNER_GUARDS,
];
