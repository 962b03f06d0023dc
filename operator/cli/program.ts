import { Command, InvalidArgumentError } from 'commander';
import {
  addEnvironment as addEnvironmentTo,
  type EnvironmentOptions,
} from '../commands/environment-add.ts';
import { init } from '../commands/init/init.ts';
import type { InitOptions } from '../commands/init/plan.ts';
import { publish } from '../commands/publish/publish.ts';
import type { PublishOptions } from '../commands/publish/source.ts';
import { releases } from '../commands/releases/releases.ts';
import { status } from '../commands/status/status.ts';
import type { CommonOptions, Context } from '../context.ts';
import { addKeyCommands } from './key-program.ts';
import { collect, common, signing, wholeNumber } from './options.ts';
import type { Output } from './output.ts';
import { VERSION } from './version.ts';

/** The command line of mm. Parsing ends by throwing: CommanderError for usage and help, what the command throws else. */
export function buildProgram(context: Context, output: Output): Command {
  const program = new Command('mm')
    .description(
      'Publishes Puppet environments to an S3 bucket, signed, and shows what hosts made of them.',
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
  return program;
}

function addInit(program: Command, context: Context, output: Output): void {
  signing(program.command('init'))
    .description('make a tree: configuration, keys and signed metadata')
    .option('--bucket <name>', 'the bucket')
    .option('--id <id>', 'signed into every file; <bucket>/<tree> by default')
    .option('--environment <name=ref...>', 'environments and their git refs', collect)
    .option('--endpoint <url>', 'where an S3-compatible store answers; left out: AWS')
    .option('--region <region>', 'region of the bucket')
    .option('--repository <dir>', 'git repository of the environments; by default that of the file')
    .option('--create-bucket', 'make the bucket when it is missing')
    .option('--passphrase', 'ask for a passphrase of the new keys')
    .action(async (options: InitOptions) => output.answer(await init(context, options), options));
}

function addPublish(program: Command, context: Context, output: Output): void {
  signing(program.command('publish [environment]'))
    .description('make a commit, or the work tree, the release of an environment')
    .option('--ref <ref>', 'another branch, tag or commit than miyamoto.yaml says')
    .option('--working-tree', 'what lies here, for environment dev_<user> by default')
    .option('--version <label>', 'the next patch version by default')
    .option('--reason <text>', 'why, for those who look at it later', reason)
    .option('--force', 'publish again what the environment has already')
    .option('--out <file>', 'write a proposal for others to sign; the environment stays as it is')
    .option('--no-validate', 'do not let puppet parse the manifests first')
    .action(async (environment: string | undefined, options: PublishOptions) =>
      output.answer(await publish(context, environment, options), options),
    );
}

function addEnvironment(program: Command, context: Context, output: Output): void {
  const environment = program.command('environment').description('environments of a tree');
  signing(environment.command('add <name>'))
    .description('let hosts follow a new environment')
    .option('--like <environment>', 'whose keys may publish to it; by default those of the first')
    .action(async (name: string, options: EnvironmentOptions) =>
      output.answer(await addEnvironmentTo(context, name, options), options),
    );
}

function addReleases(program: Command, context: Context, output: Output): void {
  common(program.command('releases [environment]'))
    .description('show what environments are offered; with one named, its history')
    .option('--limit <number>', 'entries of the history, 10 by default', wholeNumber)
    .action(async (environment: string | undefined, options: CommonOptions & { limit?: number }) =>
      output.answer(await releases(context, environment, options), options),
    );
}

function addStatus(program: Command, context: Context, output: Output): void {
  common(program.command('status [certname]'))
    .description('show what a host last reported, or a line for each host')
    .action(async (certname: string | undefined, options: CommonOptions) =>
      output.answer(await status(context, certname, options), options),
    );
}

function reason(value: string): string {
  if (value.length <= 500) return value;
  throw new InvalidArgumentError('wanted at most 500 characters.');
}
