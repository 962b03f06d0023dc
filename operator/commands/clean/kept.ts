export const KEPT_DAYS = 90;

/**
 * How long a tarball or a binary is kept after the metadata stopped naming it: a host that was
 * switched off, or a rollback, may still need it.
 */
export const KEPT_MS = KEPT_DAYS * 86_400_000;
