import { Command } from 'commander';
import { type DiffOptions, diff } from '../commands/diff/diff.ts';
import {
  addEnvironment as addEnvironmentTo,
  type EnvironmentOptions,
} from '../commands/environment/add.ts';
import { type PruneOptions, pruneEnvironments } from '../commands/environment/prune.ts';
import { init } from '../commands/init/init.ts';
import type { InitOptions } from '../commands/init/plan.ts';
import { publish } from '../commands/publish/publish.ts';
import type { PublishOptions } from '../commands/publish/what-to-publish.ts';
import { releases } from '../commands/releases/releases.ts';
import type { CommonOptions, Context } from '../context.ts';
import { addBinaries } from './binaries-program.ts';
import { addBucket } from './bucket-program.ts';
import { addByHand } from './by-hand-program.ts';
import { addCompletion } from './completion.ts';
import { refuseEmptyValues } from './errors/empty-values.ts';
import { addExamples } from './help/examples.ts';
import { groupHelp, markRequired } from './help/help-groups.ts';
import { addHostCommands } from './host-program.ts';
import { addKeyCommands } from './key-program.ts';
import { addMoveCommands } from './move-program.ts';
import { collect, common, DESPITE_HALT, hosts, reason, signing, wholeNumber } from './options.ts';
import type { Output } from './output.ts';
import { addPolicy } from './policy-program.ts';
import { addRollout } from './rollout-program.ts';
import { VERSION } from './terminal/version.ts';

/**
 * Defines the command line of mm. Parsing throws CommanderError for help and for wrong usage, and
 * passes on what a command throws.
 */
export function buildProgram(context: Context, output: Output): Command {
  const program = new Command('mm')
    .description(
      'Publishes signed Puppet environments to an S3 bucket and shows the status of the hosts.',
    )
    .version(VERSION, '--version')
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => output.out(text),
      writeErr: (text) => output.err(text),
      // `run` prints errors: with their next command, and with --json as a document.
      outputError: () => undefined,
    });
  markRequired(program);
  addInit(program, context, output);
  addPublish(program, context, output);
  addDiff(program, context, output);
  addMoveCommands(program, context, output);
  addRollout(program, context, output);
  addEnvironment(program, context, output);
  addBinaries(program, context, output);
  addReleases(program, context, output);
  addHostCommands(program, context, output);
  addKeyCommands(program, context, output);
  addBucket(program, context, output);
  addPolicy(program, context, output);
  addByHand(program, context, output);
  addCompletion(program, context, output);
  refuseEmptyValues(program);
  groupHelp(program);
  addExamples(program);
  return program;
}

function addInit(program: Command, context: Context, output: Output): void {
  signing(program.command('init'))
    .description('create a tree: its configuration, keys and signed metadata')
    .option('--bucket <name>', 'name of the bucket')
    .option('--id <id>', 'id of the tree, signed into every file; default: <bucket>/<tree>')
    .option(
      '--environment <name=ref...>',
      'environments and their git refs; default: stable=main testing=testing, without main the current branch',
      collect,
    )
    .option('--endpoint <url>', 'address of an S3-compatible store; default: AWS')
    .option(
      '--region <region>',
      'region of the bucket; by default AWS_REGION or that of ~/.aws/config',
    )
    .option('--repository <dir>', 'git repository with the environments; default: that of the file')
    .option('--from <file>', 'convert the config.json of the original Miyamoto of 2012')
    .option('--create-bucket', 'create the bucket if it does not exist')
    .option('--passphrase', 'ask for a passphrase for both keys, not only for that of the safe')
    .option('--no-passphrase', 'make the keys without a passphrase')
    .action(async (options: InitOptions) => output.answer(await init(context, options), options));
}

const AFTER_PUBLISH = `
The environment is one of miyamoto.yaml, or a branch for which the tree has a class of environments,
such as feature_*. --catalog, --sample and --group are part of --preview.`;

function addPublish(program: Command, context: Context, output: Output): void {
  hosts(signing(program.command('publish [environment]')))
    .description('publish a commit, or the work tree, as the release of an environment')
    .option('--ref <ref>', 'branch, tag or commit to publish; default: ref in miyamoto.yaml')
    .option('--working-tree', 'publish the files of the work tree; default environment: dev_<user>')
    .option('--directory <dir>', 'publish what r10k deploy or g10k deployed there')
    .option('--version <label>', 'version of the release; default: one above the highest so far')
    .option('--reason <text>', 'why this is published; shown by mm releases', reason)
    .option('--older', 'publish also a commit that does not contain the one that hosts have now')
    .option('--despite-hold', 'publish also while the environment is on hold; it stays so')
    .option('--end-rollout', 'publish also during a rollout, which ends by that')
    .option('--despite-halt', DESPITE_HALT)
    .option('--force', 'publish also when the environment already has this release')
    .option('--out <file>', 'write a proposal for other signers instead of publishing')
    .option('--preview', 'show what would change, as mm diff does, and ask')
    .option('--yes', 'do not ask after --preview')
    .option('--no-validate', 'publish without the checks of manifests and data')
    .option('--strict', 'refuse warnings, too, and a missing puppet or puppet-lint')
    .addHelpText('after', AFTER_PUBLISH)
    .action(async (environment: string | undefined, options: PublishOptions) =>
      output.answer(await publish(context, environment, options), options),
    );
}

function addDiff(program: Command, context: Context, output: Output): void {
  hosts(common(program.command('diff <before> [after]')))
    .description('show what differs between two releases, or between a release and a git ref')
    .addHelpText(
      'after',
      `
Each of the two is an environment for its current release, ENVIRONMENT=RELEASE for an earlier one
(version, commit or sha256), or a git ref. Without the second one: what mm publish would publish.`,
    )
    .option('--working-tree', 'compare with the files of the work tree')
    .action(async (before: string, after: string | undefined, options: DiffOptions) =>
      output.answer(await diff(context, { before, after }, options), options),
    );
}

function addEnvironment(program: Command, context: Context, output: Output): void {
  const environment = program
    .command('environment')
    .alias('environments')
    .description('environments of a tree');
  signing(environment.command('add <name>'))
    .description(
      'delegate a new environment, or a class such as feature_*, so that hosts can follow it',
    )
    .option('--out <file>', 'write a proposal for others to sign')
    .option('--like <environment>', 'copy the keys of this environment; default: the first one')
    .action(async (name: string, options: EnvironmentOptions) =>
      output.answer(await addEnvironmentTo(context, name, options), options),
    );
  signing(environment.command('prune'))
    .description('remove the environments of classes whose branch is gone')
    .option('--yes', 'do not ask')
    .option('--out <file>', 'write a proposal for others to sign')
    .action(async (options: PruneOptions) =>
      output.answer(await pruneEnvironments(context, options), options),
    );
}

function addReleases(program: Command, context: Context, output: Output): void {
  common(program.command('releases [environment]'))
    .description('show the current release of each environment, or the history of one')
    .option('--limit <number>', 'length of the history; default: 10', wholeNumber)
    .action(async (environment: string | undefined, options: CommonOptions & { limit?: number }) =>
      output.answer(await releases(context, environment, options), options),
    );
}
