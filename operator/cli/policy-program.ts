import { Argument, type Command, Option } from 'commander';
import type { Role } from '../../bucket/s3/rights/rights.ts';
import { type CheckOptions, checkPolicy } from '../commands/policy/check.ts';
import {
  BESIDE,
  type MachineOptions,
  type PeopleOptions,
  printMachinePolicy,
  printPolicy,
} from '../commands/policy/policy.ts';
import type { Context } from '../context.ts';
import { common, place } from './options.ts';
import type { Output } from './output.ts';

const AFTER = `
Example:
  mm policy reader > reader.json
  aws iam create-policy --policy-name mm-reader --policy-document file://reader.json`;

const PEOPLE = {
  publisher: 'for people and jobs that publish: read, write and list releases',
  reader: 'for people and jobs that watch: read and list status, read releases',
  reporter: 'for the job that runs mm fleet snapshot: a reader who also writes the snapshot',
  cleaner: 'beside one of them, for mm clean and mm forget: remove tarballs and hosts',
} as const;

/** Adds `mm policy`: the least IAM policies of a tree. */
export function addPolicy(program: Command, context: Context, output: Output): void {
  const policy = program
    .command('policy')
    .description('print the least IAM policy for hosts or people of a tree, or check credentials')
    .addHelpText('after', AFTER);
  kinds(common(policy.command('machine')))
    .description('for hosts: read releases, write status')
    .action(async (options: MachineOptions) =>
      output.answer(await printMachinePolicy(context, options), options),
    );
  for (const [of, description] of Object.entries(PEOPLE) as [keyof typeof PEOPLE, string][]) {
    const command = common(policy.command(of)).description(description);
    if (of === 'cleaner') command.addOption(beside('print one policy for both, for a job'));
    command.action(async (options: PeopleOptions) =>
      output.answer(await printPolicy(context, of, options), options),
    );
  }
  addCheck(policy, context, output);
}

const AFTER_CHECK = `
It tries each right and changes nothing, also where it is allowed. The exit code is 1 when these
credentials may do too much or too little. "unproven": the store hides whether the object exists.

Examples:
  mm policy check publisher
  mm policy check cleaner --beside reader          # of a job that runs mm forget
  AWS_PROFILE=web1 mm policy check machine --ec2 --certname web1.example.com --other-tree osx`;

function addCheck(policy: Command, context: Context, output: Output): void {
  const roles: readonly Role[] = ['machine', ...(Object.keys(PEOPLE) as (keyof typeof PEOPLE)[])];
  place(kinds(common(policy.command('check'))))
    .description('try what the credentials in use may and may not do in the tree')
    .addArgument(new Argument('<role>', 'whose credentials they should be').choices(roles))
    .addOption(beside('of a cleaner: the policy beside that one; default: publisher'))
    .option('--certname <name>', 'a host that has a status in the bucket; default: this host')
    .option(
      '--other-tree <name>',
      'a tree that is in the bucket as well; default: of miyamoto.yaml',
    )
    .addHelpText('after', AFTER_CHECK)
    .action(async (role: Role, options: CheckOptions) =>
      output.answer(await checkPolicy(context, role, options), options),
    );
}

function beside(description: string): Option {
  return new Option('--beside <role>', description).choices(BESIDE);
}

/** Adds the options that say how hosts get their credentials. */
function kinds(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--ec2',
        "EC2 hosts, own status only: the tag certname of each host's role",
      ).conflicts(['sharedUser', 'rolesAnywhere']),
    )
    .addOption(
      new Option(
        '--shared-user',
        'all hosts share credentials, and each writes all status',
      ).conflicts(['rolesAnywhere']),
    )
    .option('--roles-anywhere', "own status only: the common name of the host's certificate");
}
