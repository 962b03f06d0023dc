export const KEPT_DAYS = 90;

/**
 * For how long a tarball or a binary is kept that the metadata no longer names: a host that was
 * switched off for that long, or a rollback, may still need it.
 */
export const KEPT_MS = KEPT_DAYS * 86_400_000;
