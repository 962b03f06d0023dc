import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { firstErrors, levelOf, signalOf } from '../../../../agent/core/run/puppet-line.ts';

suite('the level of a Puppet line', () => {
  const table = {
    'Debug: Runtime environment: puppet_version=7.23.0': 'debug',
    'Info: Using environment production': 'info',
    'Notice: Applied catalog in 0.82 seconds': 'info',
    "Warning: Unknown variable: 'x'": 'warn',
    'Error: Could not parse for environment production': 'error',
    'Critical: out of memory': 'error',
    'Alert: x': 'error',
    'Emergency: x': 'error',
    'Wrapped exception:': undefined,
    'Notice:': undefined,
    'Error:x': undefined,
    '  Error: indented': undefined,
    'Constructor: x': undefined,
    '': undefined,
  };
  for (const [line, level] of Object.entries(table)) {
    test(JSON.stringify(line), () => assert.equal(levelOf(line), level));
  }
});

suite('the signal that Puppet has handled', () => {
  const table = {
    'Error: Could not run: SIGTERM': 'SIGTERM',
    // By hand: kill -INT.
    Exiting: 'SIGINT',
    'Notice: Exiting': undefined,
    'Exiting now': undefined,
    'Error: Could not run: SIGTERM was sent': undefined,
  };
  for (const [line, signal] of Object.entries(table)) {
    test(line, () => assert.equal(signalOf(['Notice: a', line, 'Error: b']), signal));
  }
});

suite('the first errors of an output', () => {
  test('errors of Facter do not hide those of Puppet', () => {
    const noise = Array.from({ length: 50 }, (_, at) => `Error: Facter: no fact ${at}`);
    const output = [...noise, 'Notice: fine', 'Error: Evaluation Error', 'at line 3'];
    assert.deepEqual(firstErrors(output), ['Error: Evaluation Error', 'at line 3']);
  });

  test('errors of Facter count when there are no others', () => {
    const error = 'Error: Facter: b';
    assert.deepEqual(firstErrors(['Notice: a', error, error]), [error], 'each once');
  });

  test('a message of several lines is quoted to its end, within a limit', () => {
    const output = ['Error: no', 'way (file: site.pp, line: 1)', '', 'Notice: a', 'b', 'Error: x'];
    assert.deepEqual(firstErrors([...output, 'Wrapped exception:', '1', '2', '3', '4']), [
      ...['Error: no', 'way (file: site.pp, line: 1)', 'Error: x', '1', '2', '3'],
    ]);
  });

  test('without errors, the last lines are returned', () => {
    const output = ['1', '2', '3', '4', '5', 'kernel_require.rb: cannot load puppet', ' ', ''];
    assert.deepEqual(firstErrors(output), output.slice(1, 6));
  });

  test('at most 20, the first ones', () => {
    const errors = firstErrors(Array.from({ length: 100 }, (_, at) => `Error: ${at}`));
    assert.deepEqual([errors.length, errors[0]], [20, 'Error: 0']);
  });

  test('an empty output has none', () => assert.deepEqual(firstErrors(['']), []));
});
