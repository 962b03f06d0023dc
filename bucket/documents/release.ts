import * as z from 'zod';

const Instant = z.iso.datetime();
const text = (min: number, max: number) => z.string().min(min).max(max);

/** Who asked for something, when and why. */
const Statement = z.looseObject({ by: text(1, 200), at: Instant, reason: text(0, 500) });

/**
 * The `custom` part of a release target (`<environment>/current`, `<environment>/next`) in the
 * signed metadata of an environment's role. Integers only, because canonical JSON has no floats.
 * Unknown fields are kept, because signatures cover them.
 */
export const ReleaseCustom = z.looseObject({
  schema: z.literal(1),
  /** A label for people, semver. It never decides what is newest; the role's version does. */
  version: text(1, 64),
  /** Identifies this publication: `<UTC time to the second>-<first 12 of the sha256>`. */
  release: text(1, 100),
  /** The git commit, or null for a published work tree. */
  commit: z
    .string()
    .regex(/^[0-9a-f]{40,64}$/)
    .nullable(),
  /** The published ref, which `release.json` names; null for a work tree or a directory. */
  ref: text(1, 255).nullable().optional(),
  /** The environment that `release.json` names, when it was promoted from another one. */
  packedFor: text(1, 100).optional(),
  created: Instant,
  by: text(1, 200),
  reason: text(0, 500),
  /** Install nothing new, keep applying the active release. */
  hold: z.boolean(),
  /** Apply nothing. */
  stop: z.boolean(),
  /** On `current` only, while `hold` or `stop` is true: who asked for it. */
  pause: Statement.optional(),
  /** On `current` only: the command that last changed what the environment offers. */
  change: Statement.extend({
    /** `publish`, `promote`, `rollout`, `hold` and so on; later versions of mm add others. */
    action: text(1, 40),
    /** Version of the role that it replaced. Nobody used the versions between the two. */
    after: z.int().min(0),
    /** `promote` only: the environment that the release comes from. */
    from: text(1, 100).optional(),
  }).optional(),
  /**
   * On `current` only: the last release whose rollout was ended before all hosts had it. `mm` asks
   * before it offers that commit again.
   */
  halted: Statement.extend({
    version: text(1, 64),
    sha256: text(64, 64),
    commit: text(40, 64).nullable(),
  }).optional(),
  /** Agents older than this keep what they have; null: any agent may install it. */
  minAgent: text(0, 64).nullable(),
  /** The branch that the environment is made from. The environment exists as long as the branch. */
  branch: text(1, 255).optional(),
  /**
   * `keep`: the tarball has links that leave the release, and hosts make them. Left out: hosts
   * refuse such links.
   */
  links: z.literal('keep').optional(),
  /** On `next` only: which hosts run it. */
  rollout: z
    .looseObject({
      salt: text(1, 100),
      /** Basis points: 1/100 percent, 0 to 10000. */
      bp: z.int().min(0).max(10_000),
      groups: z.array(text(0, 100)).max(100),
      /** When this share began. Only `mm rollout` reads this field and those below. */
      since: Instant.optional(),
      /** The shares that follow, and the seconds that each begins after the one before it. */
      steps: z
        .array(
          z.looseObject({
            bp: z.int().min(1).max(10_000),
            afterSeconds: z.int().min(1),
          }),
        )
        .max(50)
        .optional(),
      /** The share of failing hosts, of those that ran it, at which `mm rollout step` halts. */
      haltBp: z.int().min(1).max(10_000).optional(),
    })
    .optional(),
});
export type ReleaseCustom = z.infer<typeof ReleaseCustom>;
export type ReleaseChange = NonNullable<ReleaseCustom['change']>;

/** A release as the verified metadata names it. */
export interface OfferedRelease {
  readonly sha256: string;
  /** Bytes of the tarball. */
  readonly length: number;
  readonly custom: ReleaseCustom;
}

/** `release.json` at the root of each tarball: where its content came from. */
export const ReleaseFile = z.looseObject({
  environment: z.string(),
  version: z.string(),
  commit: z.string().nullable(),
  ref: z.string().nullable(),
  /**
   * The commit's own time, so that the same input packs to the same bytes; null for a work tree.
   */
  committedAt: Instant.nullable(),
  /** The bill of materials: modules whose version or source is known. */
  modules: z
    .array(
      z.looseObject({
        name: z.string(),
        version: z.string().nullable(),
        source: z.string().nullable(),
        commit: z.string().nullable(),
      }),
    )
    .optional(),
});
export type ReleaseFile = z.infer<typeof ReleaseFile>;
