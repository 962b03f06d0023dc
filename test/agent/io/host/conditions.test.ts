import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { findCondition } from '../../../../agent/io/host/conditions.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';

const AC = "Now drawing from 'AC Power'\n -InternalBattery-0 (id=1)\t100%; charged";
const BATTERY = "Now drawing from 'Battery Power'\n -InternalBattery-0 (id=1)\t61%; discharging";
const ROUTE =
  '   route to: default\n    gateway: 172.20.10.1\n  interface: en0\n      flags: <UP,DONE>';
const flags = (names: string) =>
  `en0: flags=8863<UP,BROADCAST> mtu 1500\n\teflags=1<${names}>\n\tether 00:00:5e:00:53:01`;

const macs: Record<string, { pmset?: string; route?: string; ifconfig?: string; want?: string }> = {
  'on mains': {},
  'on battery power': { pmset: BATTERY, want: 'battery' },
  'on the hotspot of a phone': { ifconfig: flags('ACCEPT_RTADV,EXPENSIVE'), want: 'metered' },
  'in Low Data Mode': { ifconfig: flags('CONSTRAINED,ECN_ENABLE'), want: 'metered' },
  'without a route': { route: 'route: writing to routing socket: not in table', ifconfig: 'x' },
  'with programs that print nothing': { pmset: '', route: '', ifconfig: '' },
};

/** Stand-ins for the programs of macOS. Each checks its arguments. */
async function standIns(
  t: TestContext,
  { pmset = AC, route = ROUTE, ifconfig = flags('ACCEPT_RTADV') }: (typeof macs)[string],
) {
  const directory = await temporaryDirectory(t);
  const write = async (name: string, argv: string, answer: string) => {
    const path = join(directory, name);
    await writeFile(`${path}.answer`, answer);
    await writeFile(path, `#!/bin/sh\n[ "$*" = "${argv}" ] && cat ${path}.answer\n`, {
      mode: 0o755,
    });
    return path;
  };
  return {
    pmset: await write('pmset', '-g batt', pmset),
    route: await write('route', '-n get default', route),
    ifconfig: await write('ifconfig', '-v en0', ifconfig),
  };
}

for (const [name, { want, ...answers }] of Object.entries(macs)) {
  test(`conditions: a Mac ${name}`, async (t) => {
    const programs = await standIns(t, answers);
    assert.equal(await findCondition(['battery', 'metered'], programs), want);
  });
}

test('conditions: only those that were asked for, and none without the programs', async (t) => {
  const programs = await standIns(t, { pmset: BATTERY });
  assert.equal(await findCondition(['metered'], programs), undefined);
  const missing = { pmset: '/nowhere/pmset', route: '/nowhere/route', ifconfig: '/nowhere/if' };
  assert.equal(await findCondition(['battery', 'metered'], missing), undefined);
});
