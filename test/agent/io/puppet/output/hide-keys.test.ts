import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hideKeys } from '../../../../../agent/io/puppet/output/hide-keys.ts';

const BEGIN = `-----BEGIN RSA PRIVATE ${'KEY'}-----`;
const END = `-----END RSA PRIVATE ${'KEY'}-----`;
const HIDDEN = '[a line of a private key]';

test('private keys: the lines of a key in a diff are hidden', () => {
  const hide = hideKeys();
  const lines = ['@@ -0,0 +1,4 @@', `+${BEGIN}`, '+MIIEpAIBAAKCAQEA', '+abc', `+${END}`, '+after'];
  const want = ['@@ -0,0 +1,4 @@', `+${BEGIN}`, HIDDEN, HIDDEN, HIDDEN, '+after'];
  assert.deepEqual(lines.map(hide), want);
});

test('private keys: a key without an end line hides at most 300 lines', () => {
  const hide = hideKeys();
  hide(BEGIN);
  const lines = Array.from({ length: 302 }, () => hide('x'));
  assert.deepEqual([lines.lastIndexOf(HIDDEN), lines.at(-1)], [299, 'x']);
});

test('private keys: a key on a single line and a public key hide nothing', () => {
  const hide = hideKeys();
  hide(`${BEGIN}MII${END}`);
  hide('-----BEGIN PUBLIC KEY-----');
  assert.equal(hide('x'), 'x');
});
