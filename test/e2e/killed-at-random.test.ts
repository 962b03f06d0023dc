import assert from 'node:assert/strict';
import {
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { meaningfulDigest } from '../../agent/core/status/status.ts';
import { type AgentLab, agentLab, manifestWriting } from '../support/agent-lab.ts';
import { checkProperty } from '../support/fuzz.ts';
import { IS_SOAK } from '../support/soak.ts';

/** What a host is about to do when its agent is killed. */
const SITUATIONS: Readonly<Record<string, (lab: AgentLab, version: string) => void>> = {
  'the first install': ({ paths }) => {
    rmSync(paths.state, { recursive: true, force: true });
    rmSync(paths.runtime, { recursive: true, force: true });
  },
  'an upgrade': (lab, version) => lab.publish(version, manifestWriting('/nowhere', version)),
  'nothing new': () => {},
  'a failed run': ({ root }) => writeFileSync(join(root, 'fails'), ''),
};

async function killedLab(t: TestContext) {
  const lab = await agentLab(t);
  // One line for each run that has ended.
  const puppet = await lab.fakePuppet(`
for each in "$@"; do [ "$previous" = --lastrunreport ] && report=$each; previous=$each; done
if [ -e ${lab.root}/fails ]; then
  echo "{\\"time\\":\\"$(date -u +%FT%TZ)\\",\\"status\\":\\"failed\\"}" > "$report"
  echo failed >> ${lab.root}/ended
  exit 4
fi
echo ran >> ${lab.root}/ended`);
  await lab.configure(`run: { puppet: ${puppet}, keep: 1000 }\n`);
  lab.publish('1.0.0', manifestWriting('/nowhere', 'one'));
  return lab;
}

/** Kills the agent after so many ms. Returns whether it was still there. */
async function killed(lab: AgentLab, afterMs: number): Promise<boolean> {
  const child = lab.start(['--once']);
  const timer = setTimeout(() => child.kill('SIGKILL'), afterMs);
  const { signal } = await lab.end(child);
  clearTimeout(timer);
  await lab.letLockGoStale();
  return signal === 'SIGKILL';
}

const runsOf = ({ paths }: AgentLab) =>
  existsSync(paths.history)
    ? readdirSync(paths.history).filter((name) => name.endsWith('.json')).length
    : 0;

const endedRuns = ({ root }: AgentLab) =>
  existsSync(join(root, 'ended'))
    ? readFileSync(join(root, 'ended'), 'utf8').split('\n').length - 1
    : 0;

test('killed at a random time: the next poll gives the same end state, and no status is lost', async (t) => {
  const lab = await killedLab(t);
  let newest = '1.0.0';
  let kills = 0;
  const prepare = (situation: string): void => {
    rmSync(join(lab.root, 'fails'), { force: true });
    const next = `1.${Number(newest.split('.')[1]) + 1}.0`;
    SITUATIONS[situation]!(lab, next);
    if (situation === 'an upgrade') newest = next;
  };
  const cases = fc.record({
    situation: fc.constantFrom(...Object.keys(SITUATIONS)),
    /** Of the time that a whole cycle takes. */
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  const startedAt = performance.now();
  assert.equal((await lab.once()).code, 0);
  const wholeMs = performance.now() - startedAt;
  const holds = async ({ situation, share }: { situation: string; share: number }) => {
    prepare('nothing new');
    assert.equal((await lab.once()).code, 0);
    prepare(situation);
    const before = { runs: runsOf(lab), ended: endedRuns(lab) };
    if (await killed(lab, share * wholeMs)) kills += 1;
    const { code, stderr } = await lab.once();
    const what = `${situation}, killed after ${Math.round(share * wholeMs)} ms: ${stderr}`;
    const isFailed = situation === 'a failed run';
    assert.equal(code, isFailed ? 1 : 0, what);
    const sent = lab.status();
    assert.deepEqual(
      [sent.release?.version, sent.run?.status, sent.trust.state, sent.trust.error],
      [newest, isFailed ? 'failed' : 'unchanged', 'ok', null],
      what,
    );
    assert.equal(meaningfulDigest(sent), meaningfulDigest(await lab.localStatus()), what);
    assert.equal(sent.otherWriter, undefined, what);
    const link = join(lab.paths.environments, 'stable');
    assert.ok(readlinkSync(link).includes(sent.release?.sha256 ?? '-'), what);
    const left = readdirSync(lab.root, { recursive: true, encoding: 'utf8' });
    const odd = left.filter((name) =>
      /\.(tmp|partial|deleting|next|unverified|gz|freeing)$/.test(name),
    );
    assert.deepEqual(
      odd.filter((name) => !name.endsWith('.log.gz')),
      [],
      what,
    );
    assert.equal(existsSync(lab.paths.lock), false, what);
    // A run that Puppet ended while no agent was there is in the history as well.
    const isNewState = situation === 'the first install';
    const ended = endedRuns(lab) - before.ended;
    assert.equal(runsOf(lab) - (isNewState ? 0 : before.runs), ended, what);
  };
  await checkProperty(t, cases, holds, IS_SOAK ? 200 : 50);
  t.diagnostic(`${kills} kills, a cycle took ${Math.round(wholeMs)} ms`);
  assert.ok(kills > 0);
});
