import assert from 'node:assert/strict';
import { userInfo } from 'node:os';
import { test } from 'node:test';
import { runEnvironment } from '../../../../agent/io/puppet/environment.ts';
import { isRoot } from '../../../support/ordinary-user.ts';

test('run environment: HOME is that of the user, and "/" for an id without an entry in passwd', (t) => {
  const home = () => runEnvironment(undefined, {})['HOME'];
  assert.equal(home(), userInfo().homedir);
  if (!isRoot) return;
  t.after(() => process.seteuid?.(0));
  process.seteuid?.(123_456);
  assert.throws(userInfo);
  assert.equal(home(), '/');
});
