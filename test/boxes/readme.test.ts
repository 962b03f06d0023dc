import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { parse } from 'yaml';
import { StatusDocument } from '../../bucket/documents/status.ts';
import { hostStatusKey } from '../../bucket/layout.ts';
import { InitAnswer } from '../../operator/answers.ts';
import { build, PROGRAMS } from '../../packaging/build.ts';
import { buildDeb } from '../../packaging/deb/deb.ts';
import { AGENT } from '../../packaging/linux/agent.ts';
import { OPERATOR } from '../../packaging/linux/operator.ts';
import { machinePolicy, publisherPolicy, readerPolicy } from '../support/s3/policy.ts';
import { type S3Server, startS3Server } from '../support/s3/server.ts';
import { type Box, bootBox } from './box.ts';
import { followed } from './document.ts';
import { inEachSuite } from './steps.ts';
import { puppetPackages } from './suites.ts';

/**
 * README, followed literally by an operator (the user ann) and on a host, in one booted Debian
 * without Puppet. The parts that README leaves to its reader are here: a store, credentials, a
 * control repository. Each step begins where the one before it ended.
 */

const BUCKET = 'masterless-puppet.example.com';
const TREE = 'ubuntu';
const HOST = 'web1.example.com';
const OPERATORS = { accessKeyId: 'PUBLISHER00000000000', secretAccessKey: 'publisher-secret' };
const MACHINE = { accessKeyId: 'MACHINE0000000000000', secretAccessKey: 'machine-secret' };

let directory: string;
let server: S3Server;
let box: Box;
/** Starts no run in the test: after a second run the status would be `unchanged`. */
const RARELY = '0 0 1 1 *';
const { blocks, commands } = await followed('README.md');

inEachSuite('README', (suite, step) => {
  const stack = new AsyncDisposableStack();
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'miyamoto-readme-test-'));
    stack.defer(() => rm(directory, { recursive: true }));
    const place = { bucket: BUCKET, tree: TREE };
    server = await startS3Server({
      region: 'eu-central-1',
      buckets: [BUCKET],
      users: [
        { ...OPERATORS, policy: [...publisherPolicy(place), ...readerPolicy(place)] },
        { ...MACHINE, policy: machinePolicy(place) },
      ],
    });
    stack.defer(() => server.close());
    const packages = puppetPackages(suite);
    box = stack.use(await bootBox(`readme-${suite}-${process.pid}`, { suite, packages }));
    // No person in the box can answer apt and debconf.
    await box.sh(`hostnamectl set-hostname ${HOST}
    echo 'debconf debconf/frontend select Noninteractive' | debconf-set-selections
    echo 'APT::Get::Assume-Yes "true";' >/etc/apt/apt.conf.d/answer-yes
    installed=$(dpkg-query --show --showformat '\${Package} ')
    apt-get purge $(echo $installed | tr ' ' '\\n' | grep -E '^(puppet|openvox|facter|openfact|ruby)') >/dev/null
    useradd --create-home --shell /bin/bash ann`);
    const bundleDirectory = join(directory, 'dist');
    await build({ programs: PROGRAMS, outputDirectory: bundleDirectory });
    for (const deb of [AGENT, OPERATOR]) {
      const request = { deb, bundleDirectory, outputDirectory: directory } as const;
      const path = await buildDeb({ ...request, compression: 'zstd' });
      await box.push(path, `/root/${path.slice(directory.length + 1)}`);
    }
  });
  after(() => stack.disposeAsync());

  step('apt installs mm, which needs no Node and no Puppet to start', async () => {
    await box.sh(
      'cd /root; ! command -v puppet; apt install --no-install-recommends ./miyamoto_*.deb',
    );
    assert.equal(await box.exec('dpkg', '--verify', 'miyamoto'), '');
    assert.match(await box.exec('mm', '--version'), /^\d+\.\d+\.\d+\n$/);
  });

  step('the operator makes a tree and publishes to it', async () => {
    await box.exec(
      'runuser',
      '--login',
      'ann',
      '--command',
      `set -eu
    mkdir .aws control-repo control-repo/manifests
    printf '[default]\\naws_access_key_id = %s\\naws_secret_access_key = %s\\n' \
      ${OPERATORS.accessKeyId} ${OPERATORS.secretAccessKey} >.aws/credentials
    git config --global user.name Ann
    git config --global user.email ann@example.com
    git config --global init.defaultBranch main
    cd control-repo
    echo "file { '/root/made-by-puppet': content => 'yes' }" >manifests/site.pp
    git init --quiet; git add .; git commit --quiet --message first`,
    );
    const [init = '', publish = ''] = commands('Two programs', 'mm ');
    assert.match(init, /^mm init /);
    assert.equal(publish, 'mm publish stable');
    const answer = InitAnswer.parse(
      JSON.parse(await asAnn(`${init} --endpoint ${server.endpoint} --json`)),
    );
    const host = blocks('A host').find(({ language }) => language === 'yaml');
    const { environment, s3, ...printed } = parse(answer.agentConfig);
    assert.equal(environment, 'stable');
    assert.deepEqual({ ...printed, s3: { region: s3.region } }, parse(host?.text ?? ''));
    await asAnn(publish);
  });

  step(
    'the host, literally as in README: apt installs Puppet, and the first cycle applies and reports',
    async () => {
      await box.sh(`cp ~ann/control-repo/ubuntu.root.json /root
    mkdir -p /root/.aws /etc/miyamoto/agent.d
    printf '[default]\\naws_access_key_id = %s\\naws_secret_access_key = %s\\n' \
      ${MACHINE.accessKeyId} ${MACHINE.secretAccessKey} >/root/.aws/credentials
    echo '{ s3: { endpoint: "${server.endpoint}" }, schedule: { apply: "${RARELY}" } }' \
      >/etc/miyamoto/agent.d/box.yaml`);
      for (const { language, above, text } of blocks('A host')) {
        if (language === 'yaml') await place(/`(\/\S+)`:/.exec(above)?.[1], text);
        else
          for (const line of text.split('\n')) await eventually(() => box.sh(`cd /root; ${line}`));
      }
      assert.match(await box.exec('puppet', '--version'), /^\d+\./);
      assert.equal(await box.exec('cat', '/root/made-by-puppet'), 'yes');
      const stored = server.get(BUCKET, hostStatusKey(TREE, HOST));
      assert.equal(StatusDocument.parse(JSON.parse(String(stored))).run?.status, 'changed');
    },
  );

  step('beside the service no second daemon starts, and the error has its name', async () => {
    const refused = await box.sh('mm-agent 2>&1 && exit 1; [ $? = 11 ]');
    assert.match(refused, /: mm-agent\.service, process \d+, since .*\nnext: mm-agent --once\n$/);
    const asUser = await box.sh('runuser -u ann -- mm-agent 2>&1 || true');
    assert.match(asUser, /: mm-agent\.service, .*\nnext: sudo mm-agent --once\n$/);
    for (const words of ['status', 'facts os', 'disable x', 'enable', '--once']) {
      const said = await box.sh(`runuser -u ann -- mm-agent ${words} 2>&1 || true`);
      assert.match(said, /^mm-agent: this user may not \w+ \S+\nnext: sudo mm-agent \S.*\n$/);
    }
  });

  step('the other commands of operator and host', async () => {
    for (const line of commands('Two programs', 'mm ').slice(1)) await asAnn(line);
    for (const line of commands('Two programs', 'mm-agent ')) await box.sh(line);
    assert.match(await box.sh('mm-agent status'), /database migration/);
  });

  step(
    'bash, zsh and fish complete both programs, and the manual pages are well formed',
    async () => {
      await box.sh(
        'apt-get install --no-install-recommends bash-completion zsh fish mandoc >/dev/null',
      );
      for (const program of ['mm', 'mm-agent']) {
        const bash = `. /usr/share/bash-completion/bash_completion
        if type _comp_load >/dev/null 2>&1; then _comp_load ${program}; else _completion_loader ${program}; fi
        complete -p ${program}`;
        const registered = await box.exec('bash', '-c', bash);
        assert.ok(registered.includes(`complete -F _${program} ${program}\n`), registered);
        const fish = `complete --do-complete "${program} "`;
        assert.match(await box.exec('fish', '--command', fish), /^status\t/m);
        const zsh = `autoload -Uz compinit; compinit -u -D; print -r -- $_comps[${program}]
        zsh -n /usr/share/zsh/vendor-completions/_${program}`;
        assert.equal(await box.exec('zsh', '-f', '-c', zsh), `_${program}\n`);
      }
      for (const page of ['man1/mm.1', 'man8/mm-agent.8']) {
        const lint = `zcat /usr/share/man/${page}.gz | mandoc -T lint -W warning`;
        assert.equal(await box.sh(lint), '', page);
      }
    },
  );
});

const asAnn = (text: string) =>
  box.exec('runuser', '--login', 'ann', '--command', `set -eu; cd control-repo; ${text}`);

async function place(path: string | undefined, text: string): Promise<void> {
  assert.ok(path, 'README must name the file above its content');
  const local = join(directory, 'place');
  await writeFile(local, `${text}\n`);
  await box.push(local, path);
}

/** Tries again, as a person does who looks too early. */
async function eventually<T>(attempt: () => Promise<T>): Promise<T> {
  for (const end = Date.now() + 120_000; ; await delay(1000)) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > end) throw error;
    }
  }
}
