import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { copyFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openBucket } from '../../bucket/s3/sdk/sdk-bucket.ts';
import type { Context } from '../../operator/context.ts';
import { hostOf } from './key-commands.ts';
import { BUCKET, git, type OperatorLab, openOperatorLab } from './operator-lab.ts';

/** People and CI job of docs/keys.md. Each has a home and a clone; the job has no terminal. */
type Person = 'ann' | 'bob' | 'carl' | 'ci';
type Place = Pick<Context, 'cwd' | 'home' | 'env' | 'ask' | 'openBucket'>;
type Errand = (desk: Desk) => Promise<unknown>;

interface Desk {
  readonly lab: OperatorLab;
  place(person: Person): Place;
}

/** Who runs a command, and what the text around the block tells the people to do before it. */
interface Step {
  readonly by: Person;
  readonly before?: Errand;
}

const BUCKET_OF_THE_PAGE = 'puppet.example.com';
const page = readFileSync(join(import.meta.dirname, '../../docs/keys.md'), 'utf8');

const keyFile = (desk: Desk, person: Person, name: string) =>
  join(desk.place(person).home, '.config/miyamoto/keys', BUCKET_OF_THE_PAGE, 'ubuntu', name);

async function move(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  await rename(from, to);
}

const usbStick = (desk: Desk) => join(desk.lab.directory, 'usb-stick/safe.json');
const takeSafeAway: Errand = (desk) => move(keyFile(desk, 'ann', 'safe.json'), usbStick(desk));
const bringSafeBack: Errand = (desk) => move(usbStick(desk), keyFile(desk, 'ann', 'safe.json'));

const send =
  (name: string, from: Person, to: Person): Errand =>
  (desk) =>
    copyFile(join(desk.place(from).cwd, name), join(desk.place(to).cwd, name));

async function clone({ lab, place }: Desk, person: Person): Promise<void> {
  await mkdir(place(person).home, { recursive: true });
  await git(lab.directory, 'clone', '--quiet', lab.repository, place(person).cwd);
}

async function commitConfig({ lab }: Desk): Promise<void> {
  await lab.git('add', '--force', 'miyamoto.yaml', 'ubuntu.root.json');
  await lab.git('commit', '--quiet', '--message', 'configuration and root');
}

const byAnn: Step = { by: 'ann' };
const signedByBob = (file: string): Step => ({ by: 'bob', before: send(file, 'ann', 'bob') });
const committedByAnn = (file: string): Step => ({ by: 'ann', before: send(file, 'bob', 'ann') });

/** All fenced commands of the page by heading, in order. */
const STEPS: Readonly<Record<string, Readonly<Record<string, Step>>>> = {
  Solo: {
    'mm init --bucket puppet.example.com --tree ubuntu': byAnn,
    'mm publish stable': { by: 'ann', before: takeSafeAway },
    'mm doctor': byAnn,
    'mm environment add production': { by: 'ann', before: bringSafeBack },
    'mm key new operator2': byAnn,
    'mm key revoke operator --replace-by operator2 --keep': byAnn,
    'mm key list': byAnn,
    "mm environment add 'feature_*' --like testing": byAnn,
    'mm key new branches': byAnn,
    "mm key rotate --role 'feature_*' --add branches": byAnn,
    'mm key new environments': byAnn,
    'mm key rotate --role targets --add environments': byAnn,
    'mm key new safe2 --passphrase': byAnn,
    'mm key revoke safe --replace-by safe2': byAnn,
  },
  Team: {
    'mm key new bob --passphrase': { by: 'bob', before: startTeam },
    'mm key export bob --out bob.pub.json': { by: 'bob' },
    'mm key rotate --role root --role targets --add operator --add bob.pub.json --add carl.pub.json --remove safe --threshold 2 --out team.proposal.json':
      { by: 'ann', before: sendPublicKeys },
    'mm root sign team.proposal.json': signedByBob('team.proposal.json'),
    'mm root commit team.proposal.json': committedByAnn('team.proposal.json'),
    'mm key rotate --role online --role testing --add bob.pub.json --out roles.proposal.json': {
      by: 'ann',
      before: takeSafeAway,
    },
    'mm root sign roles.proposal.json': {
      by: 'carl',
      before: send('roles.proposal.json', 'ann', 'carl'),
    },
    'mm root commit roles.proposal.json': {
      by: 'bob',
      before: send('roles.proposal.json', 'carl', 'bob'),
    },
    'mm key new ci': { by: 'ann', before: setSigning },
    'mm key rotate --role online --add ci --out job.proposal.json': byAnn,
    'mm root sign job.proposal.json': signedByBob('job.proposal.json'),
    'mm root commit job.proposal.json': committedByAnn('job.proposal.json'),
    'mm renew --trust-bucket': { by: 'ci', before: startJob },
    'mm renew': { by: 'ci' },
    'mm doctor': { by: 'ci' },
    'mm key rotate --role stable --add bob.pub.json --threshold 2 --out two.proposal.json': byAnn,
    'mm root sign two.proposal.json': signedByBob('two.proposal.json'),
    'mm root commit two.proposal.json': committedByAnn('two.proposal.json'),
    'mm publish stable --out release.proposal.json': byAnn,
    'git pull': { by: 'bob' },
    'mm root sign release.proposal.json': signedByBob('release.proposal.json'),
    'mm root commit release.proposal.json': committedByAnn('release.proposal.json'),
  },
};

async function startTeam(desk: Desk): Promise<void> {
  const [init = ''] = commandsOf('Solo');
  await runCommand(desk, init, 'ann');
  await commitConfig(desk);
  await clone(desk, 'bob');
  await clone(desk, 'carl');
}

/** The page gives Bob's commands, and says that Carl does the same with his name. */
async function sendPublicKeys(desk: Desk): Promise<void> {
  for (const command of commandsOf('Team').slice(0, 2)) {
    await runCommand(desk, command.replaceAll('bob', 'carl'), 'carl');
  }
  await send('bob.pub.json', 'bob', 'ann')(desk);
  await send('carl.pub.json', 'carl', 'ann')(desk);
}

async function setSigning(desk: Desk): Promise<void> {
  const path = join(desk.lab.repository, 'miyamoto.yaml');
  await writeFile(path, `${await readFile(path, 'utf8')}signing: ci\n`);
  await commitConfig(desk);
}

async function startJob(desk: Desk): Promise<void> {
  await clone(desk, 'ci');
  await move(keyFile(desk, 'ann', 'ci.json'), keyFile(desk, 'ci', 'ci.json'));
}

/** The commands in the fenced blocks below each heading, without their comments. */
function fencedCommands(): ReadonlyMap<string, readonly string[]> {
  const sections = page.split(/^## /m).slice(1);
  const found = sections.map((section): [string, string[]] => {
    const [heading = ''] = section.split('\n', 1);
    const blocks = [...section.matchAll(/^```\w*\n(.*?)^```/gms)].map(([, block = '']) => block);
    const lines = blocks.flatMap((block) => block.trimEnd().split('\n'));
    return [heading, lines.map((line) => line.replace(/\s+#.*$/, ''))];
  });
  return new Map(found.filter(([, commands]) => commands.length > 0));
}

const commandsOf = (heading: string) => fencedCommands().get(heading) ?? [];

async function openDesk(t: TestContext): Promise<Desk> {
  const lab = await openOperatorLab(t);
  return {
    lab,
    place(person) {
      const home = join(lab.directory, person, 'home');
      return {
        cwd: person === 'ann' ? lab.repository : join(lab.directory, person, 'control-repo'),
        home,
        env: { PATH: process.env['PATH'], HOME: home },
        ask: person === 'ci' ? undefined : () => Promise.resolve(`the passphrase of ${person}`),
        openBucket(name, settings) {
          assert.equal(name, BUCKET_OF_THE_PAGE);
          return openBucket(BUCKET, { ...settings, endpoint: lab.server.endpoint });
        },
      };
    },
  };
}

async function runCommand(desk: Desk, command: string, person: Person): Promise<void> {
  const [program, ...args] = command.replaceAll("'", '').split(' ');
  if (program === 'git') {
    await git(desk.place(person).cwd, ...args);
    return;
  }
  const { exitCode, stdout, stderr } = await desk.lab.mm(args, desk.place(person));
  assert.equal(exitCode, 0, `${person}: ${command}\n${stdout}${stderr}`);
}

async function runSection(desk: Desk, heading: string): Promise<void> {
  for (const command of commandsOf(heading)) {
    const step = STEPS[heading]?.[command];
    assert.ok(step, command);
    await step.before?.(desk);
    await runCommand(desk, command, step.by);
  }
}

test('docs: this test runs every command in a fenced block of keys.md, and no others', () => {
  const known = Object.entries(STEPS).map(([heading, steps]) => [heading, Object.keys(steps)]);
  assert.deepEqual([...fencedCommands()], known);
});

const namesOf = ({ lab }: Desk, file: string, role: string) => {
  const { signed } = lab.metadata(file);
  const keyIds: string[] = signed.roles[role].keyids;
  return keyIds.map((keyId) => signed['x-key-names'][keyId]).sort();
};

const newestRoot = ({ lab }: Desk) =>
  lab
    .files()
    .filter((file) => file.endsWith('.root.json'))
    .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))
    .at(-1) ?? '';

test('docs: the commands of keys.md work for one person, and hosts follow', async (t) => {
  const desk = await openDesk(t);
  await runSection(desk, 'Solo');
  const root = newestRoot(desk);
  assert.deepEqual(namesOf(desk, root, 'root'), ['safe2']);
  assert.deepEqual(namesOf(desk, root, 'targets'), ['environments', 'safe2']);
  assert.deepEqual(namesOf(desk, root, 'timestamp'), ['operator2']);
  const { trusted } = await (await hostOf(t, desk.lab, 'host')).poll(['stable', 'production']);
  assert.ok(trusted.environments.get('stable')?.current);
  assert.ok(trusted.environments.has('production'));
});

test('docs: the commands of keys.md work for a team and for two people, and hosts follow', async (t) => {
  const desk = await openDesk(t);
  await runSection(desk, 'Team');
  const root = newestRoot(desk);
  const { threshold } = desk.lab.metadata(root).signed.roles.root;
  assert.equal(threshold, 2);
  assert.deepEqual(namesOf(desk, root, 'root'), ['bob', 'carl', 'operator']);
  assert.deepEqual(namesOf(desk, root, 'timestamp'), ['bob', 'ci', 'operator']);
  const { trusted } = await (await hostOf(t, desk.lab, 'host')).poll();
  assert.ok(trusted.environments.get('stable')?.current);
});
