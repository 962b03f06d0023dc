import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Check } from '../../shared/doctor/checks.ts';
import { type AgentLab, agentLab, manifestWriting } from '../support/agent-lab.ts';
import { canMount, disks } from '../support/disk.ts';
import { adminPolicy, type Policy } from '../support/s3/policy.ts';
import { names } from '../support/temporary-directory.ts';
import { waitUntil } from '../support/wait-until.ts';

async function doctorLab(t: TestContext, { policy, extra = '' }: Given = {}) {
  const disk = disks(t);
  const lab = await agentLab(t, policy);
  const puppet = await lab.fakePuppet();
  const settings = `run: { puppet: ${puppet} }\n${extra}`;
  await lab.configure(settings);
  lab.publish('1.0.0', manifestWriting('/nowhere', 'one'));
  return { lab, disk, settings };
}

interface Given {
  readonly policy?: Policy;
  readonly extra?: string;
}

async function diagnose(lab: AgentLab, env: Readonly<Record<string, string>> = {}) {
  const { code, stdout, stderr } = await lab.run(['doctor', '--json'], env);
  assert.equal(stderr, '');
  const { checks, outcome } = JSON.parse(stdout) as {
    checks: Check[];
    outcome: Check['outcome'];
  };
  return { code, outcome, checks, failed: checks.filter((check) => check.outcome === 'failed') };
}

test('doctor: a healthy host: every check says what was found, and nothing changes', async (t) => {
  const { lab } = await doctorLab(t);
  await lab.once();
  const before = [lab.status(), await readFile(lab.paths.stateFile, 'utf8')];
  const keys = lab.server.keys('fleet.example.com');
  const { code, checks, failed } = await diagnose(lab);
  assert.deepEqual(failed, []);
  assert.equal(code, 0);
  const ok = checks.filter(({ outcome }) => outcome === 'ok').map(({ name }) => name);
  const wanted = ['configuration', 'credentials', 'bucket', 'clock', 'clock floor', 'metadata'];
  for (const name of [...wanted, 'permissions', 'puppet', 'name', 'reports', 'last run'])
    assert.ok(ok.includes(name), `${name}: ${JSON.stringify(checks)}`);
  for (const { message, outcome, next } of checks) {
    assert.notEqual(message, '');
    assert.equal(next === null, outcome === 'ok', message);
  }
  assert.deepEqual([lab.status(), await readFile(lab.paths.stateFile, 'utf8')], before);
  assert.deepEqual(lab.server.keys('fleet.example.com'), keys);
  const { stdout } = await lab.run(['doctor']);
  assert.match(stdout, /^ {9}s3\.endpoint = http:\S+ {2}\(.*agent\.yaml:\d+\)$/m);
  assert.match(stdout, /^ok {7}credentials: access key LABM\.\.\.0001 from AWS_ACCESS_KEY_ID$/m);
});

/** The check that must fail, and what its next command contains. */
interface Fault {
  readonly name: string;
  readonly next: string;
  readonly given?: Given;
  readonly break: (lab: AgentLab, settings: string) => Promise<unknown> | unknown;
  readonly env?: Readonly<Record<string, string>>;
}

const faults: Record<string, Fault> = {
  'a mistake in the configuration': {
    name: 'configuration',
    next: 'agent.yaml',
    break: (lab, settings) => lab.configure(`${settings}bukcet: x\n`),
  },
  'a wrong secret key': {
    name: 'bucket',
    next: 'aws configure list',
    break: () => undefined,
    env: { AWS_SECRET_ACCESS_KEY: 'another' },
  },
  'no credentials': {
    name: 'credentials',
    next: 'AWS_ACCESS_KEY_ID',
    break: () => undefined,
    env: { AWS_ACCESS_KEY_ID: '', AWS_EC2_METADATA_DISABLED: 'true' },
  },
  'a bucket that is down': {
    name: 'bucket',
    next: 'curl',
    break: (lab) => lab.server.close(),
  },
  'a clock that is off': {
    name: 'clock',
    next: 'timedatectl',
    break: (lab) => {
      lab.server.dateOffsetMs = 600_000;
    },
  },
  'a clock floor in the future': {
    name: 'clock floor',
    next: 'mm-agent reset-clock',
    async break({ paths }) {
      const file = join(paths.trust, 'record.json');
      const record = JSON.parse(await readFile(file, 'utf8'));
      await writeFile(file, JSON.stringify({ ...record, clockFloor: Date.UTC(2999, 0) }));
    },
  },
  'no trust root': {
    name: 'metadata',
    next: 'root.json',
    break: ({ paths }) => rm(paths.trustRoot),
  },
  'no Puppet': {
    name: 'puppet',
    next: 'run.puppet',
    break: (lab) => rm(join(lab.root, 'fake-puppet')),
  },
  'a file that agent.yaml names': {
    name: 'files of the host',
    next: 'agent.yaml',
    break: (lab, settings) => lab.configure(`${settings}require_files: [/not/there]\n`),
  },
  'a knob that others can write': {
    name: 'files of the host',
    next: 'chmod go-w',
    async break(lab, settings) {
      const knobs = join(lab.root, 'knobs');
      await mkdir(knobs);
      await writeFile(join(knobs, 'role'), 'web\n');
      await chmod(join(knobs, 'role'), 0o666);
      await lab.configure(`${settings}facts: { knobs: ${knobs} }\n`);
    },
  },
  'a directory of hooks that does not exist': {
    name: 'hooks',
    next: 'ls /; ',
    break: (lab, settings) => lab.configure(`${settings}hooks: { directory: /not/there }\n`),
  },
  'credentials that may write releases': {
    name: 'permission to write metadata',
    next: 'mm policy machine',
    given: { policy: adminPolicy },
    break: () => undefined,
  },
  'a run that failed': {
    name: 'last run',
    next: 'mm-agent log ',
    async break(lab) {
      await lab.fakePuppet('exit 4');
      await lab.once();
    },
  },
};
for (const [what, { name, next, given, env = {}, ...fault }] of Object.entries(faults)) {
  test(`doctor: ${what}: exit 1, with the check and the next command`, async (t) => {
    const { lab, settings } = await doctorLab(t, given);
    await lab.once();
    await fault.break(lab, settings);
    const { code, outcome, checks, failed } = await diagnose(lab, env);
    assert.deepEqual([code, outcome], [1, 'failed']);
    const found = failed.find((check) => check.name === name);
    assert.ok(found?.next?.includes(next), JSON.stringify(failed));
    for (const check of failed) assert.ok(check.next, JSON.stringify(check));
    assert.ok(
      checks.some((check) => check.name === 'reports'),
      'the others are made as well',
    );
  });
}

if (canMount) {
  test('doctor: a read-only state directory is a failed check', async (t) => {
    const { lab, disk } = await doctorLab(t);
    await lab.once();
    disk.makeReadOnly(lab.paths.state);
    const { code, failed } = await diagnose(lab);
    assert.equal(code, 1);
    assert.deepEqual(
      failed.map(({ name }) => name),
      [`disk of ${lab.paths.state}`],
    );
  });
}

test('doctor: before the first cycle, and with damaged files, every check is still made', async (t) => {
  const { lab } = await doctorLab(t);
  const first = await diagnose(lab);
  assert.ok(first.checks.some(({ name, next }) => name === 'state' && next === 'mm-agent --once'));
  assert.deepEqual(first.failed, []);
  await lab.once();
  for (const file of await names(lab.paths.state)) {
    const path = join(lab.paths.state, file);
    if ((await stat(path)).isFile()) await truncate(path, 3);
  }
  const damaged = await diagnose(lab);
  assert.ok(damaged.checks.some(({ name, outcome }) => name === 'state' && outcome === 'warning'));
  assert.deepEqual(damaged.failed, []);
});

test('doctor: it asks the bucket with the variables of the daemon', async (t) => {
  const { lab } = await doctorLab(t);
  const daemon = lab.start([]);
  const ended = lab.end(daemon);
  await waitUntil(() => lab.status().run?.status === 'unchanged');
  const env = { AWS_ACCESS_KEY_ID: 'of-the-shell', HTTPS_PROXY: 'http://127.0.0.1:1' };
  const { checks, failed } = await diagnose(lab, env);
  assert.deepEqual(failed, []);
  const { message } = checks.find(({ name }) => name === 'environment')!;
  if (process.platform === 'linux') assert.match(message, /AWS_ACCESS_KEY_ID, HTTPS_PROXY$/);
  daemon.kill('SIGTERM');
  await ended;
});

function messageIn(checks: readonly Check[]): string {
  return checks.find(({ name }) => name === 'credentials')?.message ?? '';
}

test('doctor: credentials are named by AWS STS, and one that does not answer is no fault', async (t) => {
  const { lab } = await doctorLab(t);
  const arn = 'arn:aws:sts::123456789012:assumed-role/web/i-0123';
  const asked: (string | undefined)[] = [];
  const sts = createServer(({ headers, url }, response) => {
    asked.push(`${url} ${headers.authorization?.split(', ')[0]}`);
    response.end(`<GetCallerIdentityResult><Arn>${arn}</Arn></GetCallerIdentityResult>`);
  });
  sts.listen(0, '127.0.0.1');
  await once(sts, 'listening');
  t.after(() => sts.close());
  const { port } = sts.address() as AddressInfo;
  const env = { AWS_ENDPOINT_URL_STS: `http://127.0.0.1:${port}` };
  const named = await diagnose(lab, env);
  assert.match(messageIn(named.checks), new RegExp(`, of ${arn}$`));
  assert.match(
    asked.join(),
    /^\/\?Action=GetCallerIdentity&Version=2011-06-15 AWS4-HMAC-SHA256 Credential=\S+\/sts\/aws4_request$/,
  );
  sts.close();
  sts.closeAllConnections();
  const { checks, failed } = await diagnose(lab, env);
  assert.deepEqual(failed, []);
  assert.match(messageIn(checks), /, of unknown: /);
});

test('doctor: --bundle has what a bug report needs, and no secret of the host', async (t) => {
  const { lab, settings } = await doctorLab(t);
  const secrets = ['of-the-environment', 'of-the-file-1', 'of-the-vault-2', 'of-the-list', 'tok3n'];
  const [ofEnvironment, ofFile, ofVault, ofList, token] = secrets;
  const plain = ['withcomment', 'inlist', 'inmap', 'ofjson', 'escäped', 'secondline'];
  const [vault, variables, tokens] = ['vault', 'variables', 'tokens'].map((name) =>
    join(lab.root, name),
  );
  await mkdir(tokens!);
  await writeFile(
    vault!,
    `db:\n  pass: "${ofVault}"\nkeys:\n  - ${ofList}\na: withcomment # for b\nb: [one, inlist]\nc: { d: inmap }\ne: "esc\\u00e4ped"\n`,
  );
  await writeFile(variables!, `export VAULT_TOKEN='${ofFile}'\n`, { mode: 0o600 });
  await writeFile(join(tokens!, 'one'), `${token}\n`);
  await writeFile(join(tokens!, 'two'), '{"a":{"b":["ofjson"]}}');
  await lab.fakePuppet(
    `printf 'Notice: %s\\n' ${[...secrets, ...plain].join(' ')} ${lab.user.secretAccessKey} kept`,
  );
  await lab.configure(
    `${settings.replace(' }', `, environment: { A: "${ofEnvironment}\\nsecondline" }, environment_files: [${variables}] }`)}overlay: { data/vault.yaml: ${vault}, data/tokens: ${tokens} }\n`,
  );
  await lab.once();
  for (const name of ['here', 'again']) await symlink('.', join(tokens!, name));
  const file = join(lab.root, 'bundle.tar.gz');
  const ended = await lab.run(['doctor', '--bundle', file]);
  assert.equal(ended.code, 0, ended.stdout + ended.stderr);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  const list = execFileSync('tar', ['-tzf', file], { encoding: 'utf8' }).trim().split('\n');
  assert.deepEqual(
    list.map((name) => name.replace(/[\w-]+\.log$/, 'RUN.log')),
    ['doctor.txt', 'doctor.json', 'state.json', 'history.json', 'output/RUN.log'],
  );
  const all = execFileSync('tar', ['-xzOf', file], { encoding: 'utf8' });
  assert.match(all, /Notice: kept/);
  for (const secret of [...secrets, ...plain, lab.user.secretAccessKey, lab.user.accessKeyId])
    assert.ok(!all.includes(secret), secret);
  assert.ok(!ended.stdout.includes(ofEnvironment!));
  const again = await lab.run(['doctor', '--bundle', file]);
  assert.equal(again.code, 1, again.stderr);
  assert.match(again.stderr, /there is .*bundle\.tar\.gz already\nnext: ls -l/);
});
