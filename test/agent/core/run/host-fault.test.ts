import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outcomeOf } from '../../../../agent/core/run/outcome.ts';
import { endedRun, exited, puppetReport, resourceStatus } from '../../../support/puppet-report.ts';

/** What Puppet 7 and 8 log, with and without a report, and whether the host is at fault. */
const LOGGED: Readonly<Record<string, readonly [string, boolean]>> = {
  'an unknown setting': [
    'Could not parse application options: invalid option: --no_such_setting=1',
    true,
  ],
  'a setting with a wrong value': [
    "Could not initialize global default settings: Invalid value 'x' for parameter strict",
    true,
  ],
  'a classifier that fails': [
    "Could not run: Failed to find h1 via exec: Execution of '/enc h1' returned 3: ",
    true,
  ],
  'a classifier that prints no YAML': [
    'Could not run: Could not load external node results for h1: (<unknown>): did not find',
    true,
  ],
  'a classifier that prints nothing': ['Could not run: Could not find node h1.example.com', true],
  'a classifier with another environment': [
    "Could not run: Could not find a directory environment named 'x' anywhere in the path: /a",
    true,
  ],
  'a template': ['overlay: the template for a.pp: facts.role is not known', true],
  'a program for trusted facts': [
    "trusted_external_command: /a: Execution of '/a h1' returned 2: ",
    true,
  ],
  'a command before the run': [
    "Could not run command from prerun_command: Execution of 'a' returned 1: ",
    true,
  ],
  'a node that no manifest names': [
    "Could not find node statement with name 'default' or 'h1' (file: a.pp, line: 1)",
    false,
  ],
  'a missing class': ['Evaluation Error: Error while evaluating a Function Call, no class', false],
  'a message of the manifest that quotes such an error': [
    "Evaluation Error: Could not run: Failed to find h1 via exec: Execution of 'a' returned 3",
    false,
  ],
};

for (const [name, [text, isHost]] of Object.entries(LOGGED)) {
  test(`host fault: ${name}`, () => {
    const report = puppetReport({
      status: 'failed',
      logs: [{ level: 'err', message: text, source: 'Puppet' }],
    });
    for (const results of [{ errors: [`Error: ${text}`] }, { report }]) {
      const { status, errorCode, error } = outcomeOf(endedRun(exited(1), results));
      assert.equal(errorCode, isHost ? 'HOST_DATA_FAILED' : undefined);
      if (isHost) assert.equal(status, 'failed');
      // The first line is what to correct, and Puppet is quoted.
      const lines = error?.split('\n') ?? [];
      assert.equal(lines.length, isHost ? 2 : 1);
      assert.ok(lines.at(-1)?.endsWith(text.trimEnd()), lines.join());
    }
  });
}

test('host fault: a resource that failed as well is of the release', () => {
  const report = puppetReport({
    status: 'failed',
    logs: [
      { level: 'err', message: 'Could not run command from postrun_command: x', source: 'Puppet' },
    ],
    resource_statuses: { 'File[/a]': resourceStatus({ failed: true }) },
  });
  assert.equal(outcomeOf(endedRun(exited(4), { report })).errorCode, undefined);
});
