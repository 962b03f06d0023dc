import * as z from 'zod';

const text = (min: number, max: number) => z.string().min(min).max(max);

/**
 * The `custom` part of a binary in the signed metadata: a file that manifests need, such as a
 * package. Hosts read its length and its sha256 only. Unknown fields are kept, because signatures
 * cover them.
 */
export const BinaryCustom = z.looseObject({
  schema: z.literal(1),
  /** When it was signed first. */
  at: z.iso.datetime(),
  by: text(1, 200),
  reason: text(0, 500),
});
export type BinaryCustom = z.infer<typeof BinaryCustom>;

/**
 * A binary that the metadata named before, in the field `x-removed` of the same role. Hosts that
 * have not seen the removal may still ask for it, so `mm clean` keeps it for a while.
 */
export const RemovedBinary = z.looseObject({
  name: text(1, 200),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  at: z.iso.datetime(),
  by: text(1, 200),
  /** Left out by an mm that did not ask for it. */
  reason: text(0, 500).optional(),
});
export type RemovedBinary = z.infer<typeof RemovedBinary>;
