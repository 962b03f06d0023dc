import * as z from 'zod';
import { CERTNAME, ENVIRONMENT_NAME, SHA256 } from './name-rules.ts';

export const EnvironmentName = z
  .string()
  .regex(ENVIRONMENT_NAME, 'expected letters, digits and underscores, at most 64');

export const Certname = z
  .string()
  .regex(
    CERTNAME,
    'expected at most 200 lower-case letters, digits, ".", "_" and "-", for example "web1.example.com"',
  );

/** A tree's prefix in the bucket, for example "ubuntu" or "osx". */
export const TreeName = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9-]{0,62}$/,
    'expected lower-case letters, digits and "-", for example "ubuntu"',
  )
  .meta({ example: 'ubuntu' });

export const Sha256 = z.string().regex(SHA256, 'expected 64 lower-case hex digits');

/** An instant as ISO 8601 in UTC. */
export const Instant = z.iso.datetime();
