import { z } from 'zod';
import { EnvironmentName, Sha256, TreeName } from '../bucket/documents/names.ts';

const DiffSide = z.looseObject({
  /** For people. */
  name: z.string(),
  /** Of a release; null for what was not published. */
  version: z.string().nullable(),
  sha256: Sha256.nullable(),
  commit: z.string().nullable(),
});
const Change = z.enum(['added', 'removed', 'changed']);
const ModuleState = z
  .looseObject({
    version: z.string().nullable(),
    source: z.string().nullable(),
    commit: z.string().nullable(),
  })
  .nullable();

const CatalogChange = z.looseObject({
  change: Change,
  /** `File[/etc/motd]`. */
  resource: z.string(),
  /** Null for a resource that was added or removed. */
  parameter: z.string().nullable(),
  certnames: z.array(z.string()),
  /** Some of the different values, those of most hosts first. Long texts are cut. */
  values: z.array(z.looseObject({ before: z.unknown(), after: z.unknown(), hosts: z.int() })),
});

/** What the release would change on hosts. */
const CatalogsAnswer = z.looseObject({
  /** Version of the Puppet that compiled; null when there was nothing to compile. */
  puppet: z.string().nullable(),
  hosts: z.int(),
  /** Hosts whose catalog would stay the same. */
  unchanged: z.int(),
  /** Those of most hosts first. */
  changes: z.array(CatalogChange),
  /** Hosts without a catalog. `facts`: their facts could not be read. */
  failures: z.array(
    z.looseObject({
      when: z.enum(['before', 'after', 'both', 'facts']),
      error: z.string(),
      certnames: z.array(z.string()),
    }),
  ),
  /** What this machine does not have. Stand-ins replaced it in the same way on both sides. */
  standIns: z.array(z.string()),
});
export type CatalogsAnswer = z.infer<typeof CatalogsAnswer>;

/** What `mm diff` prints. As the documents of answers.ts. */
export const DiffAnswer = z.looseObject({
  schemaVersion: z.literal(1),
  bucket: z.string(),
  tree: TreeName,
  /** Hosts of this environment would get the change. */
  environment: EnvironmentName,
  before: DiffSide,
  after: DiffSide,
  files: z.array(
    z.looseObject({
      path: z.string(),
      change: Change,
      /** Null for links and for files that are not text. */
      linesAdded: z.int().nullable(),
      linesRemoved: z.int().nullable(),
    }),
  ),
  /** With the bill of materials of both sides: version, source and commit, as far as known. */
  modules: z.array(
    z.looseObject({
      name: z.string(),
      change: Change,
      before: ModuleState,
      after: ModuleState,
      /** Number of files of the module that differ. */
      files: z.int(),
    }),
  ),
  /** Null when no hosts were named. */
  catalogs: CatalogsAnswer.nullable(),
});
export type DiffAnswer = z.infer<typeof DiffAnswer>;
