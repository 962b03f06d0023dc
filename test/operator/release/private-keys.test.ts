import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ErrorAnswer } from '../../../operator/answers.ts';
import { findPrivateKey } from '../../../operator/release/private-keys.ts';
import { Spool } from '../../../operator/release/tree/spool.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { BUCKET, initArgs, initialized, openOperatorLab } from '../operator-lab.ts';
import { check, file, sourceTree } from './fixture.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const ed25519 = generateKeyPairSync('ed25519').privateKey;
const pem = rsa.export({ type: 'pkcs8', format: 'pem' }).toString();
const secret = { cipher: 'aes-256-cbc', passphrase: 'x' };
const AWS = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYabcdefghij';

const keys: Record<string, { content: string | Buffer; line: number | null }> = {
  'PKCS#8': { content: pem, line: 1 },
  'PKCS#8, encrypted': {
    content: rsa.export({ type: 'pkcs8', format: 'pem', ...secret }),
    line: 1,
  },
  'PKCS#8, DER': { content: ed25519.export({ type: 'pkcs8', format: 'der' }), line: null },
  'PKCS#8, DER, encrypted': {
    content: ec.export({ type: 'pkcs8', format: 'der', ...secret }),
    line: null,
  },
  'PKCS#1': { content: rsa.export({ type: 'pkcs1', format: 'pem' }), line: 1 },
  'PKCS#1, encrypted': {
    content: rsa.export({ type: 'pkcs1', format: 'pem', ...secret }),
    line: 1,
  },
  'PKCS#1, DER': { content: rsa.export({ type: 'pkcs1', format: 'der' }), line: null },
  'SEC1, as openssl ecparam writes it': {
    content: ec.export({ type: 'sec1', format: 'pem' }),
    line: 1,
  },
  'SEC1, DER': { content: ec.export({ type: 'sec1', format: 'der' }), line: null },
  'behind a certificate': {
    content: `-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n${pem}`,
    line: 4,
  },
  'in Hiera data': { content: `a: 1\nkey: |\n${pem.replace(/^/gm, '  ')}`, line: 3 },
  'in JSON': { content: JSON.stringify({ a: 1, key: pem }, null, 1), line: 3 },
  'with Windows line ends': { content: pem.replaceAll('\n', '\r\n'), line: 1 },
  'in base64': { content: `tls.key: ${Buffer.from(pem).toString('base64')}`, line: 1 },
  'in a manifest': { content: `file { '/k':\n  content => '${pem}',\n}`, line: 2 },
  PGP: {
    content: '-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: GnuPG v2\n\nlQOYBFxyz\n',
    line: 1,
  },
  PuTTY: { content: 'PuTTY-User-Key-File-2: ssh-ed25519\nEncryption: none\n', line: 1 },
  SSH2: { content: '---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nP2/56w\n', line: 1 },
  JWK: { content: '{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZ"}', line: 1 },
  age: { content: `# created\nAGE-SECRET-KEY-1${'Q'.repeat(58)}\n`, line: 2 },
  WireGuard: { content: `[Interface]\nPrivateKey = ${'a'.repeat(43)}=\n`, line: 2 },
  'GnuPG agent': { content: '(21:protected-private-key(3:rsa', line: 1 },
  'Java key store': { content: Buffer.from('feedfeed0000000200000001', 'hex'), line: null },
  'AWS credentials file': {
    content: `[default]\naws_access_key_id = AKIAABCDEFGHIJKLMNOP\naws_secret_access_key = ${AWS}\n`,
    line: 3,
  },
  'AWS secret in Hiera': { content: `---\nprofile::s3::secret_key: '${AWS}'\n`, line: 2 },
  'AWS secret in a manifest': { content: `  secret_access_key => '${AWS}',\n`, line: 1 },
  'AWS secret in JSON': { content: `{"SecretAccessKey": "${AWS}"}`, line: 1 },
  'AWS credentials report': { content: `ann,AKIAABCDEFGHIJKLMNOP,${AWS}\n`, line: 1 },
};

for (const [name, { content, line }] of Object.entries(keys)) {
  test(`row 14: a private key is found with its line: ${name}`, () => {
    assert.deepEqual(findPrivateKey(Buffer.from(content))?.line, line);
  });
}

const harmless = {
  'a public key': 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ ann@laptop\n',
  'a certificate': '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n',
  'code that looks for keys': "if text =~ /-----BEGIN RSA PRIVATE KEY-----/\n  fail('no')\nend\n",
  'a template': '-----BEGIN PRIVATE KEY-----\n<%= @key %>\n-----END PRIVATE KEY-----\n',
  'eyaml ciphertext': 'pass: ENC[PKCS7,MIIBeQYJKoZIhvcNAQcDoIIBajCCAWYCAQAxggEhMIIBHQIBADAFMAAC]\n',
  'the example of the AWS documentation': 'secret_key: wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n',
  'a hash': `secret_key: ${'0123456789abcdef'.repeat(3).slice(0, 40)}\n`,
  'a public JWK': '{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}',
  'the public part of an mm key': '{"format":"miyamoto-public-key","public":{}}',
};

for (const [name, content] of Object.entries(harmless)) {
  test(`row 14: no private key in: ${name}`, () => {
    assert.equal(findPrivateKey(Buffer.from(content)), undefined);
  });
}

test('row 14: keys that real programs write are found', async (t) => {
  const directory = await temporaryDirectory(t);
  const make = `ssh-keygen -q -t ed25519 -N "" -f openssh
    ssh-keygen -q -t rsa -N secret -f openssh-encrypted
    openssl req -x509 -newkey rsa:2048 -nodes -keyout eyaml -out cert -subj /CN=x 2>/dev/null
    openssl pkcs12 -export -inkey eyaml -in cert -passout pass:x -out pkcs12`;
  execFileSync('sh', ['-euc', make], { cwd: directory });
  for (const name of ['openssh', 'openssh-encrypted', 'eyaml', 'pkcs12']) {
    assert.ok(findPrivateKey(await readFile(join(directory, name))), name);
  }
});

test('row 14: a key in a large file is found, also across two chunks', async (t) => {
  const directory = await temporaryDirectory(t);
  using spool = new Spool(directory);
  const lines = 'x'
    .repeat(63)
    .concat('\n')
    .repeat((1024 * 1024) / 64);
  for (const cut of [0, 10, 700]) {
    const before = lines.slice(cut);
    const content = spool.add(Buffer.from(`${before}${pem}${lines}`));
    const entry = { kind: 'file', path: 'files/large', isExecutable: false, content } as const;
    const line = before.split('\n').length;
    assert.throws(
      () => check(sourceTree(entry)),
      (error) => error instanceof CodedError && error.message.includes(`line ${line} `),
    );
  }
});

test('row 14: publish.allow_private_keys names keys of tests', () => {
  const tree = sourceTree(file('modules/a/files/test.pem', pem));
  const code = (settings: object) => {
    try {
      check(tree, settings);
      return 'published';
    } catch (error) {
      return error instanceof CodedError ? error.code : 'unexpected';
    }
  };
  assert.equal(code({}), 'RELEASE_INVALID');
  assert.equal(code({ allow_private_keys: ['modules/a/files/test.pem'] }), 'published');
  assert.equal(code({ allow_private_keys: ['*.pem'] }), 'published');
  assert.equal(code({ allow_private_keys: ['other.pem'] }), 'RELEASE_INVALID');
});

test('row 14: an untracked eyaml key is refused with file and line, and nothing is uploaded', async (t) => {
  const lab = await initialized(t);
  await lab.write('keys/private_key.pkcs7.pem', pem);
  const before = lab.server.keys(BUCKET);
  const args = ['publish', '--working-tree', '--no-validate', '--json'];
  const { exitCode, json } = await lab.mm(args);
  assert.equal(exitCode, 1);
  const { code, message } = ErrorAnswer.parse(json).error;
  assert.equal(code, 'RELEASE_INVALID');
  assert.match(message, /keys\/private_key\.pkcs7\.pem" line 1 /);
  assert.deepEqual(lab.server.keys(BUCKET), before);
});

test('row 14: an mm signing key, copied into the repository, is refused', async (t) => {
  const lab = await initialized(t);
  const { operator } = await keyFiles(lab.directory);
  await lab.commit('files/copy.json', await readFile(operator, 'utf8'));
  const { json } = await lab.mm(['publish', 'stable', '--no-validate', '--json']);
  assert.match(ErrorAnswer.parse(json).error.message, /files\/copy\.json" line 1 .*signing key/);
});

async function keyFiles(directory: string): Promise<{ operator: string }> {
  const keysDirectory = join(directory, 'home/.config/miyamoto/keys/acme/ubuntu');
  return { operator: join(keysDirectory, 'operator.json') };
}

test('row 14: keys inside the repository are refused, by init and by publish', async (t) => {
  const lab = await openOperatorLab(t);
  const inside = await lab.mm(initArgs(lab, '--keys', join(lab.repository, 'keys')));
  assert.equal(inside.exitCode, 1);
  assert.equal(ErrorAnswer.parse(inside.json).error.code, 'CONFIG_INVALID');
  assert.deepEqual(lab.server.keys(BUCKET), []);
  assert.equal((await lab.mm(initArgs(lab))).exitCode, 0);
  await mkdir(join(lab.repository, 'elsewhere'));
  const args = ['publish', 'stable', '--no-validate', '--json', '--keys', 'elsewhere'];
  const published = await lab.mm(args);
  assert.equal(ErrorAnswer.parse(published.json).error.code, 'CONFIG_INVALID');
});

test('row 14: a keys directory gets a .gitignore that covers everything in it', async (t) => {
  const lab = await initialized(t);
  const keysDirectory = join(lab.directory, 'home/.config/miyamoto/keys');
  const git = (...args: string[]) => execFileSync('git', ['-C', keysDirectory, ...args]);
  git('init', '--quiet');
  await writeFile(join(keysDirectory, 'other'), '');
  assert.equal(String(git('status', '--porcelain', '--untracked-files=all')), '?? other\n');
});
