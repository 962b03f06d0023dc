import type { Command } from 'commander';
import { type BucketInitOptions, initBucket } from '../commands/bucket/init.ts';
import type { Context } from '../context.ts';
import { common, place } from './options.ts';
import type { Output } from './output.ts';

const AFTER = `
It shows what is there and what would change, and asks. Lifecycle rules and policy statements of
others stay. A store that lacks something gets the rest; the exit code is then 1.

Examples:
  mm bucket init --bucket puppet.example.com --tree ubuntu --region eu-central-1
  mm bucket init --noop        # in CI: the exit code says whether something is missing`;

/** Adds `mm bucket`: the settings of the bucket itself. */
export function addBucket(program: Command, context: Context, output: Output): void {
  const bucket = program.command('bucket').description('the bucket of the trees');
  place(common(bucket.command('init'), 'name of a tree; default: all of miyamoto.yaml'))
    .description('create or check the bucket: versions, privacy, encryption, TLS, lifecycle')
    .option('--yes', 'do not ask')
    .option('--noop', 'show what is there and what would change, and change nothing')
    .addHelpText('after', AFTER)
    .action(async (options: BucketInitOptions) =>
      output.answer(await initBucket(context, options), options),
    );
}
