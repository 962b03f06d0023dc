import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PolicyDocument } from '../../operator/commands/policy/documents.ts';
import { runMm } from '../support/run-mm.ts';

/** The certname of the users `host` and `certified`. */
export const HOST = 'web1.example.com';

/** The users of the policy contract, and the command that prints the policy of each. */
export const POLICY_COMMANDS = {
  machine: ['machine', '--shared-user'],
  host: ['machine', '--ec2'],
  certified: ['machine', '--roles-anywhere'],
  publisher: ['publisher'],
  reader: ['reader'],
  reporter: ['reporter'],
  cleaner: ['cleaner'],
} as const satisfies Record<string, readonly string[]>;

export type PolicyUser = keyof typeof POLICY_COMMANDS;

/** The policies of who runs `mm clean`: that of a publisher, and that of a cleaner. */
export function maintainerPolicy(
  printed: Readonly<Record<PolicyUser, PolicyDocument>>,
): PolicyDocument {
  const { publisher, cleaner } = printed;
  return { ...publisher, Statement: [...publisher.Statement, ...cleaner.Statement] };
}

/** What `mm policy` prints about the tree `ubuntu` of a bucket, for each user. */
export async function printedPolicies(
  bucket: string,
): Promise<Readonly<Record<PolicyUser, PolicyDocument>>> {
  const cwd = await mkdtemp(join(tmpdir(), 'miyamoto-test-'));
  try {
    const tree = '{ id: acme/ubuntu, environments: { stable: { ref: main } } }';
    const yaml = `bucket: ${bucket}\ns3: { region: us-east-1 }\ntrees: { ubuntu: ${tree} }\n`;
    await writeFile(join(cwd, 'miyamoto.yaml'), yaml);
    const printed: [string, PolicyDocument][] = [];
    for (const [user, args] of Object.entries(POLICY_COMMANDS)) {
      const { exitCode, stdout, stderr } = await runMm(cwd, ['policy', ...args]);
      if (exitCode !== 0) throw new Error(stderr);
      printed.push([user, JSON.parse(stdout) as PolicyDocument]);
    }
    return Object.fromEntries(printed) as Record<PolicyUser, PolicyDocument>;
  } finally {
    await rm(cwd, { recursive: true });
  }
}
