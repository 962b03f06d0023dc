import { Command, InvalidArgumentError } from 'commander';
import {
  addEnvironment as addEnvironmentTo,
  type EnvironmentOptions,
} from '../commands/environment-add.ts';
import { init } from '../commands/init/init.ts';
import type { InitOptions } from '../commands/init/plan.ts';
import { publish } from '../commands/publish/publish.ts';
import type { PublishOptions } from '../commands/publish/what-to-publish.ts';
import { releases } from '../commands/releases/releases.ts';
import { status } from '../commands/status/status.ts';
import type { CommonOptions, Context } from '../context.ts';
import { addCompletion } from './completion/completion.ts';
import { addKeyCommands } from './key-program.ts';
import { collect, common, signing, wholeNumber } from './options.ts';
import type { Output } from './output.ts';
import { VERSION } from './version.ts';

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
    .showHelpAfterError('next: mm --help')
    .configureOutput({
      writeOut: (text) => output.out(text),
      writeErr: (text) => output.err(text),
      outputError: (text, write) => write(text.replace(/^error: /, 'mm: ')),
    });
  addInit(program, context, output);
  addPublish(program, context, output);
  addEnvironment(program, context, output);
  addReleases(program, context, output);
  addStatus(program, context, output);
  addKeyCommands(program, context, output);
  addCompletion(program, output);
  return program;
}

function addInit(program: Command, context: Context, output: Output): void {
  signing(program.command('init'))
    .description('create a tree: its configuration, keys and signed metadata')
    .option('--bucket <name>', 'name of the bucket')
    .option('--id <id>', 'id of the tree, signed into every file; default: <bucket>/<tree>')
    .option('--environment <name=ref...>', 'environments and their git refs', collect)
    .option('--endpoint <url>', 'address of an S3-compatible store; default: AWS')
    .option(
      '--region <region>',
      'region of the bucket; by default AWS_REGION or that of ~/.aws/config',
    )
    .option('--repository <dir>', 'git repository with the environments; default: that of the file')
    .option('--create-bucket', 'create the bucket if it does not exist')
    .option('--passphrase', 'ask for a passphrase for both keys, not only for that of the safe')
    .option('--no-passphrase', 'make the keys without a passphrase')
    .action(async (options: InitOptions) => output.answer(await init(context, options), options));
}

function addPublish(program: Command, context: Context, output: Output): void {
  signing(program.command('publish [environment]'))
    .description('publish a commit, or the work tree, as the release of an environment')
    .option('--ref <ref>', 'branch, tag or commit to publish; default: ref in miyamoto.yaml')
    .option('--working-tree', 'publish the files of the work tree; default environment: dev_<user>')
    .option('--directory <dir>', 'publish what r10k deploy or g10k laid down there')
    .option('--version <label>', 'version of the release; default: the next patch version')
    .option('--reason <text>', 'why this is published; shown by mm releases', reason)
    .option('--force', 'publish also when the environment already has this release')
    .option('--out <file>', 'write a proposal for other signers instead of publishing')
    .option('--no-validate', 'publish without the checks of manifests and data')
    .action(async (environment: string | undefined, options: PublishOptions) =>
      output.answer(await publish(context, environment, options), options),
    );
}

function addEnvironment(program: Command, context: Context, output: Output): void {
  const environment = program.command('environment').description('environments of a tree');
  signing(environment.command('add <name>'))
    .description('delegate a new environment, so that hosts can follow it')
    .option('--out <file>', 'write a proposal for others to sign')
    .option('--like <environment>', 'copy the keys of this environment; default: the first one')
    .action(async (name: string, options: EnvironmentOptions) =>
      output.answer(await addEnvironmentTo(context, name, options), options),
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

function addStatus(program: Command, context: Context, output: Output): void {
  common(program.command('status [certname]'))
    .description('show the last status of one host, or one line for each host')
    .action(async (certname: string | undefined, options: CommonOptions) =>
      output.answer(await status(context, certname, options), options),
    );
}

function reason(value: string): string {
  if (value.length <= 500) return value;
  throw new InvalidArgumentError('expected at most 500 characters.');
}
