import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type AgentLab, agentLab, manifestWriting } from '../support/agent-lab.ts';

/* The clock of the host is 60 days off. The agent is a real one; its Date is shifted. */

const PRELOAD = join(import.meta.dirname, '../support/clock-off.mjs');
const DAY_MS = 86_400_000;

async function clockLab(t: TestContext) {
  const lab = await agentLab(t);
  const file = join(lab.root, 'clock-off');
  const setClock = (offMs: number) => writeFile(file, String(offMs));
  await setClock(0);
  // What Puppet does: a test writes it.
  const does = join(lab.root, 'does');
  await writeFile(does, '');
  const puppet = await lab.fakePuppet(`. ${does}`);
  await lab.configure(`run: { puppet: ${puppet} }\n`);
  // A host repeats a request that was refused for its time.
  const config = await readFile(lab.paths.configFile, 'utf8');
  await writeFile(lab.paths.configFile, config.replace('max_attempts: 1', 'max_attempts: 2'));
  lab.simulator.now = Date.now();
  lab.publish('1.0.0', manifestWriting('/nowhere', 'one'));
  const env = { NODE_OPTIONS: `--import=${PRELOAD}`, MM_CLOCK_OFF: file };
  return {
    lab,
    setClock,
    once: (...argv: readonly string[]) => lab.run(['--once', ...argv], env),
    run: (...argv: readonly string[]) => lab.run(argv, env),
    jumpInRun: (offMs: number) => writeFile(does, `printf ${offMs} >${file}\n`),
    stayInRun: () => writeFile(does, ''),
  };
}

/** In days. */
function offsetIn(lab: AgentLab): number {
  return Math.round(((lab.status().trust.clockOffsetSeconds ?? 0) * 1000) / DAY_MS);
}

const rows = {
  // What has expired for this host is not accepted, and the others show why.
  ahead: { days: 60, firstCode: 23, firstError: 'METADATA_EXPIRED', offState: /^metadata-expired/ },
  behind: { days: -60, firstCode: 0, firstError: undefined, offState: /^ok$/ },
};
for (const [name, { days, firstCode, firstError, offState }] of Object.entries(rows)) {
  test(`clock: 60 days ${name} from the first cycle on, and by a jump in a run: the host recovers`, async (t) => {
    const { lab, setClock, once, run, jumpInRun, stayInRun } = await clockLab(t);
    const seen = () => {
      const { release, trust, run } = lab.status();
      return [release?.version, run?.status, trust.error?.code, offsetIn(lab)];
    };
    await setClock(days * DAY_MS);
    const first = await once();
    assert.equal(first.code, firstCode, first.stderr);
    const { trust } = lab.status();
    assert.deepEqual([trust.error?.code, offsetIn(lab)], [firstError, days]);
    assert.match((await run('status')).stdout, new RegExp(`^clock .*${name}`, 'm'));

    await setClock(0);
    const right = await once('--trigger', 'poll');
    assert.equal(right.code, 0, right.stderr);
    assert.deepEqual(seen(), ['1.0.0', 'unchanged', undefined, 0]);

    await jumpInRun(days * DAY_MS);
    lab.publish('1.1.0', manifestWriting('/nowhere', 'two'));
    const jumped = await once();
    assert.equal(jumped.code, 0, jumped.stderr);
    assert.equal(lab.status().release?.version, '1.1.0');
    assert.ok(lab.status().run!.durationSeconds >= 0);

    // It goes on with the release that it has.
    await stayInRun();
    const off = await once();
    assert.equal(off.code, 0, off.stderr);
    assert.match(lab.status().trust.state, offState);

    await jumpInRun(0);
    await once();
    await stayInRun();
    lab.publish('1.2.0', manifestWriting('/nowhere', 'three'));
    const back = await once('--trigger', 'poll');
    assert.equal(back.code, 0, back.stderr);
    assert.deepEqual(seen(), ['1.2.0', 'unchanged', undefined, 0]);
    assert.equal(lab.status().trust.state, 'ok');
  });
}

test('clock: one that is set forward while the host converges does not end it', async (t) => {
  const { lab, once } = await clockLab(t);
  const off = join(lab.root, 'clock-off');
  // The first run changes something; meanwhile the clock passes the deadline.
  await writeFile(
    join(lab.root, 'does'),
    `if [ ! -s ${lab.root}/ran ]; then
  echo 1 >${lab.root}/ran
  printf ${2 * 3_600_000} >${off}
  while [ $# -gt 0 ]; do [ "$1" = --lastrunreport ] && report=$2; shift; done
  echo '{"time":"2999-01-01T00:00:00Z","status":"changed"}' >"$report"
  exit 2
fi
`,
  );
  const { code, stderr } = await once('--until-converged');
  assert.equal(code, 0, stderr);
  assert.match(stderr, /converge\.done .*tries=2/);
});
