import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { rolloutShare } from '../../trust/selection.ts';
import { person } from '../operator/commands/move/move-lab.ts';
import { initialized, type OperatorLab } from '../operator/operator-lab.ts';
import { type FleetHost, fleetLab } from '../support/fleet-lab.ts';
import { IS_SOAK } from '../support/soak.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/operator.md'), 'utf8');
const HOSTS: readonly FleetHost[] = Array.from({ length: IS_SOAK ? 20 : 8 }, (_, index) => ({
  certname: `web${index}.example.com`,
  environment: 'stable',
  groups: index < 2 ? ['canary'] : [],
}));

/** The commands below "A week of an operator", as a shell splits them. */
function commandsOfTheWeek(): string[] {
  const [, section = ''] = page.split('## A week of an operator\n');
  const [, block = ''] = section.split('```\n');
  return block.split('\n').filter((line) => line.startsWith('mm '));
}

const words = (command: string): string[] =>
  [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');

type Fleet = Awaited<ReturnType<typeof fleetLab>>;

/** What an operator expects after a command, when all hosts have polled. */
interface Expected {
  readonly exitCode?: number;
  /** What the people did before it. */
  before?(lab: OperatorLab, fleet: Fleet): Promise<unknown>;
  /** In the output of the command. */
  readonly shows?: RegExp;
  after(week: {
    readonly versions: readonly string[];
    readonly lab: OperatorLab;
    readonly fleet: Fleet;
  }): void;
}

const all = (version: string) => Array<string>(HOSTS.length).fill(version);
const onTesting = (content: string) => async (lab: OperatorLab) => {
  await lab.git('checkout', '--quiet', 'testing');
  await lab.commit('manifests/site.pp', `# ${content}\nnode default { }\n`);
};
const unchanged = (versions: readonly string[]) => assert.deepEqual(versions, all('0.1.0'));
const canariesOnly = (versions: readonly string[]) =>
  assert.deepEqual(versions, [...all('0.1.1').slice(0, 2), ...all('0.1.0').slice(2)]);
const everywhere = (versions: readonly string[]) => assert.deepEqual(versions, all('0.1.2'));

const WEEK: readonly Expected[] = [
  { before: onTesting('BREAKS'), after: ({ versions }) => unchanged(versions) },
  { shows: /manifests\/site\.pp/, after: ({ versions }) => unchanged(versions) },
  { after: ({ versions }) => canariesOnly(versions) },
  { shows: /^done 2, waiting 0, failing 0/m, after: ({ versions }) => canariesOnly(versions) },
  {
    before: (_, fleet) => fleet.breakRuns(),
    after({ versions, lab, fleet }) {
      const { salt, bp } =
        lab.metadata('4.env-stable.json').signed.targets['stable/next'].custom.rollout;
      const want = HOSTS.map(({ certname, groups }) =>
        groups.length > 0 || rolloutShare(salt, certname) < bp ? '0.1.1' : '0.1.0',
      );
      assert.equal(bp, 2500);
      assert.deepEqual(versions, want);
      for (const [index, host] of HOSTS.entries()) {
        const isFailing = want[index] === '0.1.1';
        assert.equal(fleet.status(host).run?.status, isFailing ? 'failed' : 'unchanged');
      }
    },
  },
  {
    exitCode: 1,
    shows: /halted: \d+ hosts \(100 %\) fail/,
    after({ versions, fleet }) {
      unchanged(versions);
      for (const host of HOSTS) assert.equal(fleet.status(host).run?.status, 'unchanged');
    },
  },
  { shows: / halt .*hosts \(100 %\) fail/, after: ({ versions }) => unchanged(versions) },
  { before: onTesting('repaired'), after: ({ versions }) => unchanged(versions) },
  { after: ({ versions }) => everywhere(versions) },
  { after: ({ versions }) => unchanged(versions) },
  { after: ({ versions }) => everywhere(versions) },
  {
    after({ versions, fleet }) {
      everywhere(versions);
      for (const host of HOSTS) {
        const { trust, run } = fleet.status(host);
        assert.deepEqual([trust.state, run?.status], ['held', 'unchanged']);
        assert.match(trust.why ?? '', /it is Friday/);
      }
    },
  },
  {
    after({ versions, fleet }) {
      everywhere(versions);
      for (const host of HOSTS) assert.equal(fleet.status(host).trust.state, 'ok');
    },
  },
  {
    shows: new RegExp(`^done ${HOSTS.length}, waiting 0, failing 0`, 'm'),
    after: ({ versions }) => everywhere(versions),
  },
];

test(`docs: a week of an operator, as docs/operator.md tells it, with ${HOSTS.length} agents`, async (t) => {
  const lab = await initialized(t);
  const fleet = await fleetLab(lab, HOSTS);
  for (const environment of ['stable', 'testing']) {
    const { exitCode, stderr } = await lab.mm(['publish', environment, '--no-validate']);
    assert.equal(exitCode, 0, stderr);
  }
  await fleet.poll();
  const commands = commandsOfTheWeek();
  assert.equal(commands.length, WEEK.length);
  for (const [index, command] of commands.entries()) {
    const { exitCode = 0, before, shows = /^/, after } = WEEK[index]!;
    await before?.(lab, fleet);
    const done = await lab.mm(words(command).slice(1), person('y'));
    assert.equal(done.exitCode, exitCode, `${command}\n${done.stderr}`);
    assert.match(done.stdout, shows, command);
    if (!/^mm (diff|log|rollout status) /.test(command)) await fleet.poll();
    const versions = HOSTS.map((host) => fleet.status(host).release?.version ?? 'none');
    await t.test(command, () => after({ versions, lab, fleet }));
  }
});
