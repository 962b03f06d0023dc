import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { existsSync, readFileSync, writeSync } from 'node:fs';

/**
 * A signing command with the key in `<directory>/key.pem`; the file `<directory>/<fault>` makes it
 * fail in that way.
 *
 *   signing-command.ts DIRECTORY FORMAT public-key|sign
 */
const [directory = '', format = '', verb = ''] = process.argv.slice(2);
const key = createPrivateKey(readFileSync(`${directory}/key.pem`));

const faults: Record<string, () => void> = {
  fails() {
    writeSync(2, 'the token is not plugged in\n');
    process.exit(3);
  },
  chatters() {
    for (;;) writeSync(1, 'x'.repeat(4096));
  },
  mumbles: () => print('signature: none today'),
  'says-nothing': () => undefined,
};

const fault = Object.keys(faults).find((name) => existsSync(`${directory}/${name}`));
if (fault !== undefined) faults[fault]?.();
else if (verb === 'public-key') print(publicKey());
else if (verb === 'sign') print(signature());
else process.exit(64);

function publicKey(): string {
  const { x = '' } = key.export({ format: 'jwk' });
  return format === 'hex'
    ? JSON.stringify({
        keytype: 'ed25519',
        scheme: 'ed25519',
        keyval: { public: Buffer.from(x, 'base64url').toString('hex') },
      })
    : createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString();
}

function signature(): string {
  const digest = key.asymmetricKeyType === 'ed25519' ? null : 'sha256';
  const bytes = sign(digest, readFileSync(0), key);
  // Like the program base64 prints it: 76 characters per line.
  return format === 'hex'
    ? bytes.toString('hex')
    : (bytes.toString('base64').match(/.{1,76}/g) ?? []).join('\n');
}

function print(text: string): void {
  writeSync(1, `${text}\n`);
}
