import { accessPointOf } from '../../../bucket/s3/access-point.ts';
import { effectiveSettings } from '../../../bucket/s3/effective-settings.ts';
import type { PolicyAnswer } from '../../answers.ts';
import { loadConfig, selectTree, type TreeConfig } from '../../config.ts';
import type { Answer, CommonOptions, Context } from '../../context.ts';
import { bucketArn } from '../bucket/place.ts';
import {
  cleanerPolicy,
  type HostKind,
  machinePolicy,
  type PolicyDocument,
  type PolicyPlace,
  publisherPolicy,
  readerPolicy,
  reporterPolicy,
} from './documents.ts';

export interface MachineOptions extends CommonOptions {
  readonly ec2?: boolean | undefined;
  readonly sharedUser?: boolean | undefined;
  readonly rolesAnywhere?: boolean | undefined;
}

/** `mm policy machine`: what a host of the tree may do. */
export async function printMachinePolicy(
  context: Context,
  options: MachineOptions,
): Promise<Answer> {
  const kind = kindOf(options);
  if (kind === undefined) {
    context.notice(
      'this policy lets each host write the status of every host; --ec2 and --roles-anywhere restrict a host to its own',
    );
  }
  const credentials = kind ?? 'shared-user';
  return await print(context, options, { of: 'machine', credentials }, (place) =>
    machinePolicy(place, credentials),
  );
}

/** The policies beside which a cleaner can have its own. */
export const BESIDE = ['publisher', 'reader'] as const;
export type Beside = (typeof BESIDE)[number];

export interface PeopleOptions extends CommonOptions {
  /** Of `mm policy cleaner`: print that policy and this one as one. */
  readonly beside?: Beside | undefined;
}

export const POLICIES_OF_PEOPLE = {
  publisher: publisherPolicy,
  reader: readerPolicy,
  reporter: reporterPolicy,
  cleaner: cleanerPolicy,
} as const;

/** `mm policy publisher`, `reader`, `reporter` and `cleaner`: what a person or a job may do. */
export async function printPolicy(
  context: Context,
  of: keyof typeof POLICIES_OF_PEOPLE,
  options: PeopleOptions,
): Promise<Answer> {
  const { beside } = options;
  const own = POLICIES_OF_PEOPLE[of];
  const policyOf = (place: PolicyPlace): PolicyDocument =>
    beside === undefined ? own(place) : together(own(place), POLICIES_OF_PEOPLE[beside](place));
  return await print(context, options, { of, credentials: null }, policyOf);
}

function together(own: PolicyDocument, beside: PolicyDocument): PolicyDocument {
  return { ...beside, Statement: [...beside.Statement, ...own.Statement] };
}

/** Undefined when no option says it. The command line accepts only one of them. */
export function kindOf({ ec2, sharedUser, rolesAnywhere }: MachineOptions): HostKind | undefined {
  if (ec2 === true) return 'ec2';
  if (rolesAnywhere === true) return 'roles-anywhere';
  return sharedUser === true ? 'shared-user' : undefined;
}

/** Sends nothing to the bucket, which need not exist. */
async function print(
  { cwd, home, env }: Context,
  options: CommonOptions,
  about: Pick<PolicyAnswer, 'of' | 'credentials'>,
  policyOf: (place: PolicyPlace) => PolicyDocument,
): Promise<Answer> {
  const loaded = await loadConfig({ cwd, home, path: options.config });
  const { bucket, tree, s3 } = selectTree(loaded, { home, tree: options.tree });
  const { settings } = await effectiveSettings(bucket, s3, env);
  const policy = policyOf(placeOf({ bucket, tree }, settings.region));
  const document: PolicyAnswer = {
    schemaVersion: 1,
    bucket,
    tree,
    ...about,
    policy: { ...policy },
  };
  return { document, lines: [JSON.stringify(policy, null, 2)] };
}

/** Throws CONFIG_INVALID for an ARN of something else than an access point. */
function placeOf(
  { bucket, tree }: Pick<TreeConfig, 'bucket' | 'tree'>,
  region: string | undefined,
): PolicyPlace {
  if (accessPointOf(bucket) !== undefined) return { bucket, separator: '/object/', tree };
  return { bucket: bucketArn(bucket, region), separator: '/', tree };
}
