import type { Command } from 'commander';
import { doctor } from '../commands/doctor/doctor.ts';
import { listKeys } from '../commands/key/list.ts';
import { exportKey, type KeyNewOptions, newKey } from '../commands/key/new.ts';
import {
  type RevokeOptions,
  type RotateOptions,
  revokeKey,
  rotateKeys,
} from '../commands/key/rotate.ts';
import { type RenewOptions, renew } from '../commands/renew.ts';
import { commitRoot, signRoot } from '../commands/root-sign.ts';
import type { Context, SigningOptions } from '../context.ts';
import { collect, signing, wholeNumber } from './options.ts';
import type { Output } from './output.ts';

/** The commands about keys and signatures. */
export function addKeyCommands(program: Command, context: Context, output: Output): void {
  const key = program.command('key').description('signing keys, and what they may sign');
  addKeyFiles(key, context, output);
  addRotations(key, context, output);
  addRoot(program, context, output);
  signing(program.command('renew [role...]'))
    .description('sign anew what would lapse soon; for a job that runs every day')
    .option('--trust-bucket', 'take the bucket as it is: the first time in a place without state')
    .option('--finish', 'go on with a rotation that was ended half-way')
    .option('--out <file>', 'write a proposal for others to sign')
    .action(async (roles: readonly string[], options: RenewOptions) =>
      output.answer(await renew(context, roles, options), options),
    );
  signing(program.command('doctor'))
    .description('see whether hosts can follow, for how long, and who holds which key')
    .action(async (options: SigningOptions) =>
      output.answer(await doctor(context, options), options),
    );
}

function addKeyFiles(key: Command, context: Context, output: Output): void {
  signing(key.command('new <name> [command...]'))
    .description('make a key for this tree; with --signer command: -- PROGRAM ARGUMENT...')
    .option('--signer <kind>', 'file (by default), ssh-agent, kms or command')
    .option('--key <id>', 'fingerprint or comment in the ssh-agent; ARN, id or alias in KMS')
    .option('--passphrase', 'ask for a passphrase of the new key')
    .action(async (name: string, command: readonly string[], options: KeyNewOptions) =>
      output.answer(await newKey(context, { name, command }, options), options),
    );
  signing(key.command('list'))
    .description('show who may sign what, and until when it holds')
    .action(async (options: SigningOptions) =>
      output.answer(await listKeys(context, options), options),
    );
  signing(key.command('export <name>'))
    .description('give the public part of a key, to be sent to a colleague')
    .option('--out <file>', 'a new file for it; by default it is printed')
    .action(async (name: string, options: SigningOptions & { out?: string }) =>
      output.answer(await exportKey(context, name, options), options),
    );
}

function addRotations(key: Command, context: Context, output: Output): void {
  signing(key.command('rotate'))
    .description('give roles other keys, or another number of signatures')
    .option('--role <role>', 'root, targets, online or an environment; may be repeated', collect)
    .option('--add <key>', 'file of a public key, or name of a key here; may be repeated', collect)
    .option('--remove <key>', 'name or id of a key; may be repeated', collect)
    .option('--threshold <number>', 'how many must sign', wholeNumber)
    .option('--recover', 'with --role online: versions of snapshot and timestamp begin again')
    .option('--out <file>', 'write a proposal for others to sign')
    .action(async (options: RotateOptions) =>
      output.answer(await rotateKeys(context, options), options),
    );
  signing(key.command('revoke <key>'))
    .description('take a key out of every role, and sign anew what it had signed')
    .option('--replace-by <key>', 'file of a public key, or name of a key here, in its place')
    .option('--out <file>', 'write a proposal for others to sign')
    .action(async (given: string, options: RevokeOptions) =>
      output.answer(await revokeKey(context, given, options), options),
    );
}

function addRoot(program: Command, context: Context, output: Output): void {
  const root = program.command('root').description('what several people sign');
  signing(root.command('sign <proposal>'))
    .description('show what a proposal changes, and sign it with the keys here')
    .action(async (file: string, options: SigningOptions) =>
      output.answer(await signRoot(context, file, options), options),
    );
  signing(root.command('commit <proposal>'))
    .description('bring a proposal that enough people have signed into the bucket')
    .action(async (file: string, options: SigningOptions) =>
      output.answer(await commitRoot(context, file, options), options),
    );
}
