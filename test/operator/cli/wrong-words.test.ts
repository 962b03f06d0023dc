import assert from 'node:assert/strict';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ErrorAnswer } from '../../../operator/answers.ts';
import { sampleStatus } from '../../support/status-sample.ts';
import { BUCKET, copiedPerTest, initialized } from '../operator-lab.ts';

/*
 * What a new user types wrong. Each command says which name was meant, finds what is missing on
 * this machine before its first request, and answers in JSON with --json.
 */

/** A tree with two releases of stable, a branch, and a host of a group. */
const published = copiedPerTest(async (t) => {
  const lab = await initialized(t);
  for (const version of ['0.1.0', '0.1.1']) {
    await lab.commit('manifests/version.pp', `# ${version}\n`);
    const { exitCode, stderr } = await lab.mm(['publish', 'stable', '--no-validate']);
    assert.equal(exitCode, 0, stderr);
  }
  await lab.git('branch', 'feature/x');
  const host = { ...sampleStatus, certname: 'web1.example.com', groups: ['canary'] };
  const key = 'ubuntu/status/hosts/web1.example.com.json';
  lab.server.put(BUCKET, key, Buffer.from(JSON.stringify(host)));
  return lab;
});

interface Typed {
  readonly args: readonly string[];
  readonly code: string;
  /** The name that was meant. */
  readonly meant: string;
}

const REASON = ['--reason', 'x'];
const TYPED: Readonly<Record<string, Typed>> = {
  'a command': { args: ['relases'], code: 'USAGE', meant: 'releases' },
  'a command to be explained': { args: ['help', 'relases'], code: 'USAGE', meant: 'releases' },
  'a command of a group to be explained': {
    args: ['key', 'help', 'lst'],
    code: 'USAGE',
    meant: 'list',
  },
  'a command of a group': { args: ['key', 'lst'], code: 'USAGE', meant: 'list' },
  'a command that can be left out': {
    args: ['rollout', 'statsu', 'stable'],
    code: 'USAGE',
    meant: 'status',
  },
  'an option': { args: ['releases', '--treee', 'x'], code: 'USAGE', meant: '--tree' },
  'a tree': { args: ['releases', '--tree', 'ubunt'], code: 'USAGE', meant: 'ubuntu' },
  'an environment to publish': {
    args: ['publish', 'stble', '--no-validate'],
    code: 'ENVIRONMENT_UNKNOWN',
    meant: 'stable',
  },
  'an environment in other letters': {
    args: ['publish', 'STABLE', '--no-validate'],
    code: 'ENVIRONMENT_UNKNOWN',
    meant: 'stable',
  },
  'a branch to publish': {
    args: ['publish', 'feture/x', '--no-validate'],
    code: 'ENVIRONMENT_UNKNOWN',
    meant: 'feature/x',
  },
  'a ref': {
    args: ['publish', 'stable', '--ref', 'mian'],
    code: 'GIT_FAILED',
    meant: 'main',
  },
  'an environment to promote to': {
    args: ['promote', 'stable', 'tesing'],
    code: 'ENVIRONMENT_UNKNOWN',
    meant: 'testing',
  },
  'an environment to hold': {
    args: ['hold', 'stble', ...REASON],
    code: 'ENVIRONMENT_UNKNOWN',
    meant: 'stable',
  },
  'an environment to roll out to': {
    args: ['rollout', 'stble', '--percent', '5'],
    code: 'ENVIRONMENT_UNKNOWN',
    meant: 'stable',
  },
  'an environment to look at': {
    args: ['log', 'stble'],
    code: 'ENVIRONMENT_UNKNOWN',
    meant: 'stable',
  },
  'an environment whose releases are shown': {
    args: ['releases', 'stble'],
    code: 'ENVIRONMENT_UNKNOWN',
    meant: 'stable',
  },
  'an environment to compare': { args: ['diff', 'stble'], code: 'USAGE', meant: 'stable' },
  'an environment to copy': {
    args: ['environment', 'add', 'qa', '--like', 'stble'],
    code: 'ENVIRONMENT_UNKNOWN',
    meant: 'stable',
  },
  'a release to go back to': {
    args: ['rollback', 'stable', '0.1'],
    code: 'USAGE',
    meant: '0.1.0',
  },
  'a release to compare': { args: ['diff', 'stable=0.11'], code: 'USAGE', meant: '0.1.1' },
  'a role': { args: ['renew', 'onlin'], code: 'USAGE', meant: 'online' },
  'a role of an environment': { args: ['renew', 'stble'], code: 'USAGE', meant: 'stable' },
  'a key': { args: ['key', 'revoke', 'opertor'], code: 'USAGE', meant: 'operator' },
  'a key of this machine': {
    args: ['key', 'export', 'opertor'],
    code: 'KEY_MISSING',
    meant: 'operator',
  },
  'a key to add': {
    args: ['key', 'rotate', '--role', 'stable', '--add', 'opertor'],
    code: 'KEY_MISSING',
    meant: 'operator',
  },
  'a kind of key': {
    args: ['key', 'new', 'x', '--signer', 'ssh-agnet'],
    code: 'USAGE',
    meant: 'ssh-agent',
  },
  'a shell': { args: ['completion', 'bsh'], code: 'USAGE', meant: 'bash' },
  'a host': {
    args: ['status', 'web1.exmaple.com'],
    code: 'S3_NOT_FOUND',
    meant: 'web1.example.com',
  },
  'a field of the status without its first part': {
    args: ['status', '--where', 'killedBy=stopped'],
    code: 'USAGE',
    meant: 'run.killedBy',
  },
  'a field of the status without its last part': {
    args: ['status', '--where', 'run=faild'],
    code: 'USAGE',
    meant: 'run.status=failed',
  },
  'a kind of problem': { args: ['fleet', 'problems', 'clok'], code: 'USAGE', meant: 'clock' },
  'a group of hosts': {
    args: ['diff', 'stable', '--group', 'canray'],
    code: 'USAGE',
    meant: 'canary',
  },
};

test('words: a mistyped name is an error with a code, and with the name that was meant', async (t) => {
  const lab = await published(t);
  for (const [what, { args, code, meant }] of Object.entries(TYPED)) {
    const { exitCode, json, stderr } = await lab.mm([...args, '--json']);
    const { error } = ErrorAnswer.parse(json, { error: () => `${what}: ${stderr}` });
    assert.equal(error.code, code, what);
    assert.equal(exitCode, code === 'USAGE' ? 2 : 1, what);
    const text = `${error.message} ${error.next}`;
    assert.ok(text.includes(`did you mean ${meant}?`), `${what}: ${text}`);
    assert.ok(!text.includes('.; '), `${what}: ${text}`);
  }
});

test('words: an option of another command is no typing mistake', async (t) => {
  const lab = await published(t);
  const { json } = await lab.mm(['rollout', 'halt', 'stable', '--yes', '--json']);
  assert.equal(ErrorAnswer.parse(json).error.message, "unknown option '--yes'");
});

test('words: help of a command that exists is no error', async (t) => {
  const lab = await published(t);
  for (const words of [['help'], ['help', 'key', 'new'], ['key', 'help', 'new']]) {
    assert.equal((await lab.mm(words)).exitCode, 0, words.join(' '));
  }
});

/** Outside the repository: keys inside it are refused first. */
const NO_KEYS = ['--keys', '../no-keys'];
/** What can be known without a request. */
const LOCAL: Readonly<Record<string, { readonly args: readonly string[]; readonly code: string }>> =
  {
    'no key here': { args: ['publish', 'stable', ...NO_KEYS], code: 'KEY_MISSING' },
    'no key here for a promotion': {
      args: ['promote', 'stable', 'testing', ...NO_KEYS],
      code: 'KEY_MISSING',
    },
    'no key here for a hold': {
      args: ['hold', 'stable', ...REASON, ...NO_KEYS],
      code: 'KEY_MISSING',
    },
    'keys in a file': {
      args: ['publish', 'stable', '--keys', '../some-file'],
      code: 'KEY_MISSING',
    },
    'a version that is no version': {
      args: ['publish', 'stable', '--version', 'foo'],
      code: 'USAGE',
    },
    'a ref that does not exist': {
      args: ['publish', 'stable', '--ref', 'nope'],
      code: 'GIT_FAILED',
    },
    'a directory that does not exist': {
      args: ['publish', 'stable', '--directory', 'nope'],
      code: 'USAGE',
    },
    'a proposal that does not exist': {
      args: ['root', 'sign', 'nope.json'],
      code: 'PROPOSAL_INVALID',
    },
    'a proposal that is something else': {
      args: ['root', 'commit', 'miyamoto.yaml'],
      code: 'PROPOSAL_INVALID',
    },
    'a proposal that would replace the configuration': {
      args: ['publish', 'stable', '--out', 'miyamoto.yaml'],
      code: 'USAGE',
    },
    'a proposal in a directory that does not exist': {
      args: ['hold', 'stable', ...REASON, '--out', 'nope/p.json'],
      code: 'USAGE',
    },
    'a share above 100 %': { args: ['rollout', 'stable', '--percent', '101'], code: 'USAGE' },
  };

test('words: what is wrong on this machine is found before the first request', async (t) => {
  const lab = await published(t);
  await lab.write('../some-file', '');
  for (const [what, { args, code }] of Object.entries(LOCAL)) {
    const before = lab.server.requests.length;
    const { json, stderr } = await lab.mm([...args, '--json']);
    const { error } = ErrorAnswer.parse(json, { error: () => `${what}: ${stderr}` });
    assert.equal(error.code, code, `${what}: ${error.message}`);
    assert.notEqual(error.next, null, what);
    assert.equal(lab.server.requests.length, before, what);
  }
});

test('words: a key that is missing or locked is found before the gates and the upload', async (t) => {
  const lab = await initialized(t);
  const mm = (...args: string[]) => lab.mm([...args, '--json']);
  await writeFile(join(lab.directory, 'word'), 'right');
  await writeFile(join(lab.directory, 'wrong'), 'wrong');
  const withPassphrase = ['--passphrase-file', join(lab.directory, 'word')];
  assert.equal((await mm('key', 'new', 'second', ...withPassphrase)).exitCode, 0);
  const swap = ['--add', 'second', '--remove', 'operator'];
  await mm('key', 'rotate', '--role', 'stable', ...swap, ...withPassphrase);
  // A file that Puppet refuses: the gates would be the first error.
  await lab.commit('manifests/site.pp', 'node {');
  const before = lab.server.keys(BUCKET);
  const locked = await mm('publish', 'stable');
  assert.equal(ErrorAnswer.parse(locked.json).error.code, 'KEY_LOCKED');
  const wrong = ['--passphrase-file', join(lab.directory, 'wrong')];
  const mistyped = await mm('publish', 'stable', ...wrong);
  assert.equal(ErrorAnswer.parse(mistyped.json).error.code, 'KEY_LOCKED');
  const keys = join(lab.directory, 'home/.config/miyamoto/keys/acme/ubuntu');
  await rename(join(keys, 'second.json'), join(lab.directory, 'second.json'));
  const missing = await mm('publish', 'stable');
  assert.equal(ErrorAnswer.parse(missing.json).error.code, 'KEY_MISSING');
  assert.deepEqual(lab.server.keys(BUCKET), before);
});

test('words: without a git repository, mm says so and names what needs none', async (t) => {
  const lab = await published(t);
  await rename(join(lab.repository, '.git'), join(lab.directory, 'git'));
  for (const args of [
    ['publish', 'stable'],
    ['publish', '--working-tree'],
    ['diff', 'stable'],
  ]) {
    const { error } = ErrorAnswer.parse((await lab.mm([...args, '--json'])).json);
    assert.equal(error.code, 'GIT_FAILED');
    assert.match(error.message, /is not in a git repository$/);
    assert.match(String(error.next), /--directory/);
  }
});

test('words: wrong usage is a document with --json, and names the help of its command', async (t) => {
  const lab = await initialized(t);
  const wrong = {
    'mm releases --help': ['releases', 'a', 'b'],
    'mm key rotate --help': ['key', 'rotate', '--threshold', 'x'],
    'mm hold --help': ['hold', 'stable', '--reason', ''],
    'mm rollback --help': ['rollback'],
    'mm --help': ['bogus'],
  };
  for (const [next, args] of Object.entries(wrong)) {
    const { exitCode, json, stderr } = await lab.mm([...args, '--json']);
    const { error } = ErrorAnswer.parse(json);
    assert.deepEqual([exitCode, error.code, error.next], [2, 'USAGE', next]);
    assert.equal(stderr, `mm: ${error.message}\nnext: ${next}\n`);
  }
});
