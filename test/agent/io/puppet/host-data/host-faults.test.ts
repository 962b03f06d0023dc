import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { type HostData, NO_HOST_DATA } from '../../../../../agent/io/puppet/host-data/host-data.ts';
import { puppetPlace, realPuppet } from '../../../../support/puppet-run.ts';

test('real Puppet: what fails because of this host is no fault of the release', async (t) => {
  const place = await puppetPlace(t);
  await place.write({ 'manifests/site.pp': "notice($trusted['external'])" });
  const host = (name: string) => join(place.directory, name);
  await writeFile(host('fails'), '#!/bin/sh\nexit 3\n', { mode: 0o755 });
  await writeFile(host('other'), '#!/bin/sh\necho "environment: other"\n', { mode: 0o755 });
  const exec = { config_version: 'release', node_terminus: 'exec' } as const;
  const settings: Record<string, [HostData['puppet'], RegExp]> = {
    'an unknown setting': [
      { config_version: 'release', settings: { colour: 'red' } },
      /refuses a setting.*\n.*--colour=red/,
    ],
    'a classifier that fails': [
      { ...exec, external_nodes: host('fails') },
      /external_nodes.*\n.*fails.* returned 3/,
    ],
    'a classifier with another environment': [
      { ...exec, external_nodes: host('other') },
      /another environment.*\n.*'other'/,
    ],
    'a program for trusted facts': [
      { config_version: 'release', trusted_external_command: host('fails') },
      /trusted_external_command failed.*\n.*fails: .* returned 3/,
    ],
    'a command before the run': [
      { config_version: 'release', settings: { prerun_command: '/bin/false' } },
      /puppet\.settings.*\n.*prerun_command.* returned 1/,
    ],
  };
  for (const [name, [puppet, expected]] of Object.entries(settings)) {
    const run = await place.run(realPuppet({ hostData: { ...NO_HOST_DATA, puppet } }));
    assert.deepEqual([run.status, run.errorCode], ['failed', 'HOST_DATA_FAILED'], name);
    assert.match(run.error ?? '', expected, name);
  }
});
