import type { Command } from 'commander';
import type { RepairOptions } from '../commands/change-keys.ts';
import { type DoctorOptions, doctor } from '../commands/doctor/doctor.ts';
import { listKeys } from '../commands/key/list.ts';
import { exportKey, type KeyNewOptions, newKey } from '../commands/key/new.ts';
import {
  type RevokeOptions,
  type RotateOptions,
  revokeKey,
  rotateKeys,
} from '../commands/key/rotate.ts';
import { type RenewOptions, renew } from '../commands/renew.ts';
import { commitRoot, type SignOptions, signRoot } from '../commands/root/root-sign.ts';
import type { Context, SigningOptions } from '../context.ts';
import { collect, readingKeys, signing, wholeNumber } from './options.ts';
import type { Output } from './output.ts';

const DROPPED =
  'sign no release of this environment; DEV_* for all of a class that no other key has chosen';
const WITHOUT = 'repair the bucket without this file, which its snapshot names; may be repeated';
const RELEASES =
  'go back to this release, by version, commit or sha256, or ENVIRONMENT=RELEASE; may be repeated';

/** Adds the commands that manage keys and signatures. */
export function addKeyCommands(program: Command, context: Context, output: Output): void {
  const key = program.command('key').description('signing keys, and what they may sign');
  addKeyFiles(key, context, output);
  addRotations(key, context, output);
  addRoot(program, context, output);
  signing(program.command('renew [role...]'))
    .description('sign again what expires soon; made for a daily job')
    .option('--trust-bucket', 'trust the bucket as it is; for the first run without kept state')
    .option('--finish', 'finish a key rotation that was interrupted')
    .option('--without <file>', `with --finish: ${WITHOUT}`, collect)
    .option('--out <file>', 'write a proposal for other signers')
    .action(async (roles: readonly string[], options: RenewOptions) =>
      output.answer(await renew(context, roles, options), options),
    );
  readingKeys(program.command('doctor'))
    .description('check whether hosts can follow, for how long, and who holds which key')
    .option('--reset-clock', 'delete the clock floor, below which mm ignores clocks, then check')
    .action(async (options: DoctorOptions) =>
      output.answer(await doctor(context, options), options),
    );
}

function addKeyFiles(key: Command, context: Context, output: Output): void {
  signing(key.command('new <name> [command...]'))
    .description('create a key for this tree; with --signer command: -- PROGRAM ARGUMENT...')
    .option('--signer <kind>', 'file, ssh-agent, kms or command; default: file')
    .option('--key <id>', 'ssh-agent: fingerprint or comment; kms: ARN, id or alias')
    .option('--passphrase', 'ask for a passphrase for the new key')
    .action(async (name: string, command: readonly string[], options: KeyNewOptions) =>
      output.answer(await newKey(context, { name, command }, options), options),
    );
  readingKeys(key.command('list'))
    .description('show the keys of each role, and when the role expires')
    .action(async (options: SigningOptions) =>
      output.answer(await listKeys(context, options), options),
    );
  signing(key.command('export <name>'))
    .description('print the public part of a key, to send it to a colleague')
    .option('--out <file>', 'write it to this new file instead')
    .action(async (name: string, options: SigningOptions & { out?: string }) =>
      output.answer(await exportKey(context, name, options), options),
    );
}

/** Adds the options for what cannot be trusted any more. */
function recovering(command: Command): Command {
  return command
    .option('--back-to <release>', RELEASES, collect)
    .option('--drop <environment>', DROPPED, collect)
    .option('--drop-binaries', 'sign an empty list of binaries, when the old key had signed it')
    .option('--without <file>', WITHOUT, collect)
    .option('--out <file>', 'write a proposal for other signers');
}

function addRotations(key: Command, context: Context, output: Output): void {
  recovering(
    signing(key.command('rotate'))
      .description('change the keys of roles, or how many signatures they need')
      .option('--role <role>', 'root, targets, online or an environment; may be repeated', collect)
      .option('--add <key>', 'public key file, or name of a key here; may be repeated', collect)
      .option('--remove <key>', 'name or id of a key; may be repeated', collect)
      .option('--threshold <number>', 'how many signatures the roles need', wholeNumber)
      .option('--recover', 'with one --role, online or an environment: start its versions again')
      .option(
        '--keep',
        'with --remove, --recover: sign the releases again that only the old keys signed',
      ),
  ).action(async (options: RotateOptions) =>
    output.answer(await rotateKeys(context, options), options),
  );
  recovering(
    signing(key.command('revoke <key>'))
      .description('remove a key from every role, and sign again what it had signed')
      .option('--replace-by <key>', 'public key file, or name of a key here, to use instead')
      .option('--keep', 'sign the releases again that only this key had signed'),
  ).action(async (given: string, options: RevokeOptions) =>
    output.answer(await revokeKey(context, given, options), options),
  );
}

function addRoot(program: Command, context: Context, output: Output): void {
  const root = program.command('root').description('sign and commit the proposals of others');
  signing(root.command('sign <proposal>'))
    .description('show what a proposal changes, rebuild its releases, and sign it with your keys')
    .option('--no-rebuild', 'do not compare releases with what their commits give in this clone')
    .option(
      '--binary <path>',
      'file or directory to compare with new binaries; repeatable',
      collect,
    )
    .option('--without <file>', WITHOUT, collect)
    .option('--yes', 'do not ask on a terminal')
    .action(async (file: string, options: SignOptions) =>
      output.answer(await signRoot(context, file, options), options),
    );
  signing(root.command('commit <proposal>'))
    .description('write a proposal with enough signatures to the bucket')
    .option('--without <file>', WITHOUT, collect)
    .action(async (file: string, options: RepairOptions) =>
      output.answer(await commitRoot(context, file, options), options),
    );
}
