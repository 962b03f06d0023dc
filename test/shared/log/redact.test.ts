import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redact } from '../../../shared/log/redact.ts';

const KEY_ID = `AKIA${'IOSFODNN7EXAMPLE'}`;
const SECRET = `wJalrXUtnFEMI/K7MDENG/bPxRfiCY${'EXAMPLEKEY'}`;
const TOKEN = `IQoJb3JpZ2luX2Vj${'a1B2c3D4'.repeat(20)}==`;
const PEM = `-----BEGIN PRIVATE ${'KEY'}-----\nMC4CAQAwBQYDK2VwBCIEIGZvb2Jhcg\n-----END PRIVATE ${'KEY'}-----`;

/** A text, and the secret that the redacted text must not contain. */
const HIDDEN: Record<string, readonly [text: string, secret: string]> = {
  'the query of a signed URL': [
    'GET https://b.s3.eu-west-1.amazonaws.com/k?X-Amz-Signature=0a1b2c&X-Amz-Date=x failed',
    '0a1b2c',
  ],
  'a signed path without its host': ['GET /b/k?X-Amz-Algorithm=A&X-Amz-Signature=0a1b2c', '0a1b2c'],
  'the security token of a signed path': [`/k?X-Amz-Security-Token=${TOKEN}`, 'IQoJb3JpZ2lu'],
  'user and password of a URL': ['clone https://ci:hunter2@git.example.com/r.git', 'hunter2'],
  'an Authorization header': [
    `Authorization: AWS4-HMAC-SHA256 Credential=${KEY_ID}/20261129/x, Signature=fe5f80`,
    'fe5f80',
  ],
  'an Authorization header in JSON': [
    '{"authorization":"Bearer abc.def-123","x":1}',
    'abc.def-123',
  ],
  'a bearer token in a sentence': ['sent Bearer mF_9.B5f-4.1JqM to the proxy', 'mF_9'],
  'basic credentials': ['proxy: Basic YWRtaW46c2VjcmV0', 'YWRtaW46'],
  'a cookie': ['Set-Cookie: session=0123; Path=/', '0123'],
  'an access key id': [`no such key: ${KEY_ID}`, KEY_ID],
  'a secret access key by itself': [`wrong: ${SECRET}.`, SECRET],
  'a secret access key by its name': [`aws_secret_access_key = ${SECRET}`, SECRET],
  'a secret access key in JSON': [`{"SecretAccessKey": "${SECRET}"}`, SECRET],
  'a session token': [`found ${TOKEN} there`, 'IQoJb3JpZ2lu'],
  'a session token by its name': ['AWS_SESSION_TOKEN=short', 'short'],
  'a password in a Puppet error': ["parameter password => 'hunter2' is", 'hunter2'],
  'a password in a command': ['Exec[mysql -u root --password=hunter2]', 'hunter2'],
  'a password as the word after an option': ['mysql --password hunter2 -e x', 'hunter2'],
  'a password with a name around it': ['db_password: "hunter2 and more"', 'hunter2'],
  'an API key': ['x-api-key: 0123456789abcdef', '0123456789abcdef'],
  'a private key': [PEM, 'MC4CAQ'],
  'a private key without its end': [PEM.slice(0, 50), 'MC4CAQ'],
  'a JSON web token': ['got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgN', 'dozjgN'],
  'a token of GitHub': [`ghp_${'a1B2'.repeat(9)} is not valid`, 'a1B2a1B2'],
};

for (const [name, [text, secret]] of Object.entries(HIDDEN)) {
  test(`redact: ${name}`, () => {
    const clean = redact(text);
    assert.ok(!clean.includes(secret), clean);
    assert.match(clean, /\[redacted\]/);
  });
}

const KEPT = [
  'release.activated sha256=b4cb112d63e68ab0f2944c8a6088cb65bc0929a61f8c94c26eed71c495833483',
  'commit 8daf65808502d744bbe640357711ab4eefde509d',
  'Notice: /Stage[main]/Main/User[root]/password: changed [old password hash redacted]',
  'Notice: /Stage[main]/Main/File[/etc/ssl/private.key]/ensure: created',
  "Notice: /Stage[main]/Main/File[/etc/secret]/content: content changed '{sha256}0a' to '{sha256}0b'",
  'Notice: /Stage[main]/Puppetlabs2024/Profile::Base/Package[openssl]/ensure: created',
  'passphrase_file: no such file: /etc/miyamoto/passphrase',
  'Basic settings are wrong',
  'no credentials: none in the environment, in ~/.aws or from the instance',
  'https://bucket.s3.amazonaws.com/ubuntu/manifests/metadata/timestamp.json: 403',
  'the token is locked',
  'agent.yaml:6: s3.secret_access_key: unknown key; known here: endpoint, region',
  'agent.yaml:6: run.environment.VAULT_TOKEN: wanted text, found nothing',
  'agent.yaml:6: overlay./etc/passwd: expected a path inside the environment',
];

for (const text of KEPT) {
  test(`redact: keeps ${text.slice(0, 60)}`, () => assert.equal(redact(text), text));
}

test('redact: the time for hostile text grows only linearly with its length', () => {
  const pieces = ['a://', '://a@', 'password', '-----BEGIN PRIVATE KEY', 'token=', ' --', 'A/'];
  for (const piece of [
    ...pieces,
    '?',
    '"',
    "'",
    'eyJ',
    '-eyJaaaaaaaa',
    ' Basic ',
    '\\',
    'authorization: ',
  ]) {
    const text = piece.repeat(Math.ceil(65_536 / piece.length));
    // CPU time: a busy machine does not change it.
    const before = process.cpuUsage();
    redact(text);
    const tookMs = process.cpuUsage(before).user / 1000;
    assert.ok(tookMs < 500, `${JSON.stringify(piece)} took ${tookMs} ms of CPU`);
  }
});
