import type { Command } from 'commander';
import { type ApplyOptions, apply } from '../commands/by-hand/apply.ts';
import { type CheckoutOptions, checkout } from '../commands/by-hand/checkout.ts';
import { type ValidateOptions, validate } from '../commands/by-hand/validate.ts';
import { showConfig } from '../commands/config/show-config.ts';
import type { Context, SigningOptions } from '../context.ts';
import { common } from './options.ts';
import type { Output } from './output.ts';

/** Adds the commands for work on this machine. */
export function addByHand(program: Command, context: Context, output: Output): void {
  common(program.command('validate [dir]'))
    .description('check the files as mm publish would, without keys and without the bucket')
    .option('--ref <ref>', 'check a branch, tag or commit')
    .option('--working-tree', 'check the files of the work tree; the default')
    .option('--strict', 'refuse warnings, too, and a missing puppet or puppet-lint')
    .addHelpText('after', VALIDATE)
    .action(async (directory: string | undefined, options: ValidateOptions) =>
      output.answer(await validate(context, directory, options), options),
    );
  common(program.command('apply [environment...]'))
    .description('run Puppet on the work tree, on this machine, as the agent would')
    .option('--noop', 'show what would change, and change nothing')
    .option('--no-noop', 'change it, whatever run.noop of agent.yaml says')
    .option('--ref <ref>', 'apply a branch, tag or commit')
    .option('--working-tree', 'apply the files of the work tree; the default')
    .option('--tags <list>', 'apply only resources with one of these tags, as in puppet apply')
    .option('--skip_tags <list>', 'leave out resources with one of these tags')
    .option('--detailed-exitcodes', 'end with the exit codes of puppet apply')
    .option('--debug', 'debug output of Puppet')
    .option('--root <dir>', 'the files of the agent, and those of Puppet, below this directory')
    .addHelpText('after', APPLY)
    .action(async (environments: readonly string[], options: ApplyOptions) =>
      output.answer(await apply(context, environments, options), options),
    );
  common(program.command('checkout [release]'))
    .description('write the files of a release or a ref into a directory, as a host has them')
    .requiredOption('--into <dir>', 'the new directory')
    .option('--ref <ref>', 'a branch, tag or commit instead of a release; needs no bucket')
    .option('--working-tree', 'the files of the work tree')
    .addHelpText('after', CHECKOUT)
    .action(async (release: string | undefined, options: CheckoutOptions) =>
      output.answer(await checkout(context, release, options), options),
    );
  common(program.command('config'))
    .description('show every value that counts, and where it is from; asks no bucket')
    .option('--keys <dir>', 'directory of the signing keys')
    .option('--passphrase-file <file>', 'file with the passphrase of the keys')
    .action(async (options: SigningOptions) =>
      output.answer(await showConfig(context, options), options),
    );
}

const VALIDATE = `
A directory is one that r10k deploy or g10k deployed, as with mm publish --directory.
Exit codes: 0 mm publish would accept it, 1 it would refuse it, 2 wrong usage.

Example, as a hook of git:
  printf '#!/bin/sh\\nexec mm validate\\n' >.git/hooks/pre-commit
  chmod +x .git/hooks/pre-commit`;

const CHECKOUT = `
The release is an environment for its current release, or ENVIRONMENT=RELEASE (version, commit or
sha256). It is verified by the signed metadata, as on a host. Modules of the Puppetfile are part of
a ref and of the work tree, as in mm publish.

Examples:
  mm checkout stable --into /tmp/stable
  mm checkout stable=1.4.2 --into /tmp/before
  mm checkout --working-tree --into /tmp/mine`;

const APPLY = `
It uses the agent.yaml of this machine: overlay, facts, modulepath, time limit. Without one, the
defaults count. It waits for a cycle of the agent that is under way. Nothing is published or kept.
Without an environment: the one that this host follows.

Exit codes: 0 done, 1 failed, 2 wrong usage, 10 disabled, 24 time limit.
With --detailed-exitcodes: 0 no change, 2 changed, 4 failed, 6 both, 1 did not compile.

Example:
  sudo mm apply --noop`;
