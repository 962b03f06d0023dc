import { resolve } from 'node:path';
import { z } from 'zod';
import type { StatusDocument } from '../../bucket/documents/status.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { fileProblem } from '../../shared/file-problem.ts';
import { readNamed } from '../../shared/files.ts';
import { firstProblem, jsonObject, parseJson } from '../../shared/json.ts';

/** The EC2 instance that a host says it is. */
export interface InstanceName {
  readonly id: string;
  /** Null when the host does not say it. */
  readonly zone: string | null;
}

/** What a list of instances says about a host. */
export interface InstanceState {
  /** `running`, `stopped`, `terminated`, or what else EC2 says; `not listed`. */
  readonly text: string;
  /** It is terminated: the host does not come back. */
  readonly isGone: boolean;
}

const ID = /^i-[0-9a-f]{8,17}$/;
/** EC2 shows a terminated instance for about an hour. */
const GONE: ReadonlySet<string> = new Set(['terminated', 'shutting-down']);

/** The instance of a host: by its facts, or by a name such as `i-0123456789abcdef0.example.com`. */
export function instanceOf({
  certname,
  facts,
}: Pick<StatusDocument, 'certname' | 'facts'>): InstanceName | null {
  const [label = ''] = certname.split('.');
  const metadata = jsonObject(facts['ec2_metadata']);
  const id = [facts['ec2_metadata.instance-id'], metadata['instance-id'], label].find(isId);
  if (id === undefined) return null;
  const placement = jsonObject(metadata['placement']);
  const zone = facts['ec2_metadata.placement.availability-zone'] ?? placement['availability-zone'];
  return { id, zone: typeof zone === 'string' && /^[a-z0-9-]{1,40}$/.test(zone) ? zone : null };
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && ID.test(value);
}

export interface InstanceOptions {
  /** `--instances`: files of `aws ec2 describe-instances`. */
  readonly instances?: readonly string[] | undefined;
}

/** Undefined without `--instances`. Throws USAGE. */
export function readInstances(
  { cwd }: { readonly cwd: string },
  { instances }: InstanceOptions,
): Instances | undefined {
  return instances === undefined ? undefined : Instances.read(instances, cwd);
}

/** As `aws ec2 describe-instances` prints it. Only what is used is checked. */
const Described = z.looseObject({
  Reservations: z.array(
    z.looseObject({
      Instances: z.array(
        z.looseObject({
          InstanceId: z.string().regex(ID),
          State: z.looseObject({ Name: z.string().max(40) }),
          Placement: z.looseObject({ AvailabilityZone: z.string().max(40) }).optional(),
        }),
      ),
    }),
  ),
});

/** A string has at most 512 MB. */
const MAX_LIST_BYTES = 500_000_000;

const LIST = 'aws ec2 describe-instances --region REGION > instances.json';

/** Throws USAGE. */
function readList(file: string, path: string): z.infer<typeof Described> {
  let text: string;
  try {
    text = readNamed(path, MAX_LIST_BYTES).toString();
  } catch (cause) {
    const { why } = fileProblem(path, cause);
    throw new CodedError(`--instances: ${why}`, { code: 'USAGE', cause, next: LIST });
  }
  const { data, error } = Described.safeParse(parseJson(text));
  if (data !== undefined) return data;
  const why = firstProblem(error);
  throw new CodedError(`--instances ${file}: not a list of EC2 instances: ${why}`, {
    code: 'USAGE',
    cause: error,
    next: LIST,
  });
}

/** Lists of EC2 instances, for telling a terminated one from one that is only silent. */
export class Instances {
  readonly #states = new Map<string, string>();
  readonly #regions = new Set<string>();

  /** Reads the files of `--instances`: one for each account and region. Throws USAGE. */
  static read(files: readonly string[], cwd: string): Instances {
    const instances = new Instances();
    for (const file of files) {
      instances.#add(readList(file, resolve(cwd, file)));
    }
    return instances;
  }

  #add({ Reservations }: z.infer<typeof Described>): void {
    for (const { InstanceId, State, Placement } of Reservations.flatMap((r) => r.Instances)) {
      this.#states.set(InstanceId, State.Name);
      this.#regions.add(regionOf(Placement?.AvailabilityZone ?? ''));
    }
  }

  /**
   * An instance that is not listed is gone when the lists have others of its region. Without that
   * the list of its region may have been forgotten.
   */
  stateOf({ id, zone }: InstanceName): InstanceState {
    const state = this.#states.get(id);
    if (state !== undefined) return { text: state, isGone: GONE.has(state) };
    return { text: 'not listed', isGone: zone !== null && this.#regions.has(regionOf(zone)) };
  }
}

/** `eu-central-1` of `eu-central-1a`. Of a local zone, `us-west-2-lax-1a`, `us-west-2`. */
function regionOf(zone: string): string {
  return /^[a-z]+(?:-[a-z]+)+-\d+/.exec(zone)?.[0] ?? zone;
}
