import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { ErrorAnswer } from '../../../../operator/answers.ts';
import type { Context } from '../../../../operator/context.ts';
import { MoveAnswer } from '../../../../operator/move-answers.ts';
import { type Selection, select } from '../../../../trust/selection.ts';
import { type Host, hostOf } from '../../key-commands.ts';
import { copiedPerTest, initialized, type OperatorLab, type Owner } from '../../operator-lab.ts';

/** One publication: the environment, the new site.pp, and more words of the command line. */
type Publication = readonly [environment: string, content: string, ...more: string[]];

export interface MoveLab extends OperatorLab {
  /** Writes another site.pp on main, commits it, and publishes it. Returns the commit. */
  publish(...publication: Publication): Promise<string>;
  /** The answer of a command that must succeed. */
  moved(args: readonly string[], more?: Partial<Context>): Promise<MoveAnswer>;
  /** The error of a command that must fail, and its next step. */
  refused(args: readonly string[], more?: Partial<Context>): Promise<ErrorAnswer['error']>;
  /** What a host that polls now makes of the metadata, as the agent does. */
  selected(host: Host, environment?: string): Promise<Selection>;
  host(name: string): Promise<Host>;
}

/**
 * Main is published as stable, and the branch testing as testing. The tree has these publications,
 * oldest first; they are made once per test file.
 */
export async function moveLab(
  t: TestContext,
  ...published: readonly Publication[]
): Promise<MoveLab> {
  const lab = await treeWith(published)(t);
  let number = published.length;
  return {
    ...lab,
    publish: (...publication) => publish(lab, publication, ++number),
    async moved(args, more) {
      const done = await lab.mm([...args, '--json'], more);
      assert.equal(done.exitCode, 0, done.stderr);
      return MoveAnswer.parse(done.json);
    },
    async refused(args, more) {
      const done = await lab.mm([...args, '--json'], more);
      assert.notEqual(done.exitCode, 0, done.stdout);
      return ErrorAnswer.parse(done.json).error;
    },
    async selected(host, environment = 'stable') {
      const { trusted } = await host.poll([environment]);
      const offer = trusted.environments.get(environment);
      assert.ok(offer !== undefined);
      return select(offer, { certname: 'web1.example.com', groups: [], agentVersion: '1.0.0' });
    },
    host: (name) => hostOf(t, lab, name),
  };
}

const trees = new Map<string, (t: Owner) => Promise<OperatorLab>>();

/** The last publication is made in a copy of the tree that has the others. */
function treeWith(published: readonly Publication[]): (t: Owner) => Promise<OperatorLab> {
  const last = published.at(-1);
  if (last === undefined) return initialized;
  const key = JSON.stringify(published);
  const tree =
    trees.get(key) ??
    copiedPerTest(async (t) => {
      const lab = await treeWith(published.slice(0, -1))(t);
      await publish(lab, last, published.length);
      return lab;
    });
  trees.set(key, tree);
  return tree;
}

/** Publishes on the minute of that number: publications within one second have no order. */
async function publish(
  lab: OperatorLab,
  [environment, content, ...more]: Publication,
  number: number,
): Promise<string> {
  const now = Date.now() - 3_600_000 + number * 60_000;
  await lab.git('checkout', '--quiet', environment === 'stable' ? 'main' : environment);
  const commit = await lab.commit('manifests/site.pp', `# ${now}\n${content}\n`);
  const args = ['publish', environment, '--no-validate', ...more];
  const done = await lab.mm(args, { now: () => now });
  assert.equal(done.exitCode, 0, done.stderr);
  return commit;
}

/** Answers questions as a person would, and keeps them. */
export function person(answer: string): Partial<Context> & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    askLine: (question) => {
      asked.push(question);
      return Promise.resolve(answer);
    },
  };
}
