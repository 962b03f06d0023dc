import { type ExecFileException, execFile } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { printable } from '../../../shared/clean-text.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { keyObjectOf, tufKeyOf } from '../public/public-key.ts';
import { TufKey } from '../public/signer.ts';
import {
  Command,
  type FoundKey,
  HOLDER_TIME_LIMIT_MS,
  type HolderAccess,
} from './held-key-file.ts';

const MAX_OUTPUT_BYTES = 64 * 1024;

/**
 * Signs with a program that holds a key: `<command> sign` reads the bytes from stdin and prints the
 * signature in hex or base64. The signature is not verified here. Throws KEY_MISSING when the
 * program does not exist, KEY_LOCKED when it fails or takes too long, KEY_INVALID when it prints
 * anything else.
 */
export async function signByCommand(
  { path, command }: { readonly path: string; readonly command: Command },
  bytes: Uint8Array,
  access: HolderAccess,
): Promise<Buffer> {
  const output = await run([...command, 'sign'], bytes, access);
  const text = output.replace(/\s+/g, '');
  if (/^([0-9a-f]{2})+$/i.test(text)) return Buffer.from(text, 'hex');
  if (/^[0-9a-z+/]+={0,2}$/i.test(text)) return Buffer.from(text, 'base64');
  throw wrongOutput([...command, 'sign'], 'a signature in hex or base64', path);
}

/**
 * The public key of a program: `<command> public-key` prints it, in PEM or as a TUF key in JSON.
 * Throws like {@link signByCommand}, and USAGE when the command is not valid.
 */
export async function findCommandKey(
  given: readonly string[],
  access: HolderAccess,
): Promise<FoundKey> {
  const parsed = Command.safeParse(given);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new CodedError(`command ${printable(given.join(' '), 200)}: ${issue?.message}`, {
      code: 'USAGE',
      next: 'give the program and each argument separately; use an absolute path for the program',
    });
  }
  const command = parsed.data;
  const output = await run([...command, 'public-key'], new Uint8Array(), access);
  const publicKey = readPublicKey(output);
  if (publicKey !== undefined) return { publicKey, holder: { kind: 'command', command } };
  throw wrongOutput(
    [...command, 'public-key'],
    'an Ed25519 or P-256 public key in PEM or as a TUF key',
  );
}

function readPublicKey(output: string): TufKey | undefined {
  try {
    if (output.includes('-----BEGIN PUBLIC KEY-----')) return tufKeyOf(createPublicKey(output));
    const key = keyObjectOf(TufKey.parse(JSON.parse(output)));
    return key === undefined ? undefined : tufKeyOf(key);
  } catch {
    return undefined;
  }
}

/**
 * The output of the program. Its stderr is used for the error message. To ask for a PIN it may open
 * the terminal itself.
 */
function run(
  [program = '', ...args]: readonly string[],
  stdin: Uint8Array,
  { env, timeLimitMs = HOLDER_TIME_LIMIT_MS }: HolderAccess,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      args,
      { env, timeout: timeLimitMs, killSignal: 'SIGKILL', maxBuffer: MAX_OUTPUT_BYTES },
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(failed([program, ...args], error, { stderr, timeLimitMs }));
      },
    );
    child.stdin?.on('error', () => undefined); // it may ignore stdin: only its exit code counts
    child.stdin?.end(stdin);
  });
}

function failed(
  command: readonly string[],
  cause: ExecFileException,
  { stderr, timeLimitMs }: { readonly stderr: string; readonly timeLimitMs: number },
): CodedError {
  const named = describe(command);
  const { code } = cause;
  if (code === 'ENOENT' || code === 'EACCES') {
    return new CodedError(`cannot run signing command ${named}: ${code}`, {
      code: 'KEY_MISSING',
      cause,
      next: 'install the program, or run this on a machine that has it',
    });
  }
  if (code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') {
    return wrongOutput(command, `at most ${MAX_OUTPUT_BYTES} bytes`);
  }
  const end = cause.killed
    ? `took longer than ${timeLimitMs / 1000} s`
    : `ended with ${cause.signal ?? `exit code ${code}`}`;
  return new CodedError(
    `signing command ${named} ${end}: ${printable(stderr, 500) || 'no message on stderr'}`,
    {
      code: 'KEY_LOCKED',
      cause,
      next: 'run the command by hand, see docs/signers.md',
    },
  );
}

function wrongOutput(command: readonly string[], wanted: string, path?: string): CodedError {
  const of = path === undefined ? '' : ` of ${path}`;
  return new CodedError(
    `signing command ${describe(command)}${of}: wanted ${wanted}, found something else`,
    {
      code: 'KEY_INVALID',
      next: 'run the command by hand, see docs/signers.md',
    },
  );
}

/**
 * Program and last argument. The arguments between them may be private and must not get into a log.
 */
function describe(command: readonly string[]): string {
  return printable(`${command[0]} ... ${command.at(-1)}`, 300);
}
