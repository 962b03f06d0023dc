import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { findCertname, nameIn } from '../../../../agent/io/puppet/find-certname.ts';

test('certname: the first answer equals that of the real Puppet', async () => {
  const puppets = execFileSync('puppet', ['config', 'print', 'certname']).toString().trim();
  assert.equal(await findCertname(undefined), puppets.toLowerCase());
});

test('certname: without Puppet it is the name of the host, not an error', async () => {
  const name = await findCertname('/nonexistent/puppet');
  assert.match(name, /^[a-z0-9]/);
});

for (const [printed, name] of [
  ['web9.example.com\n', 'web9.example.com'],
  ['Warning: old syntax\nWEB9.example.com.\n', 'web9.example.com'],
  ['web9.example.com\nInfo: done\n', 'web9.example.com'],
  ['Warning: old syntax\n\n', undefined],
  ['', undefined],
] as const) {
  test(`certname: in ${JSON.stringify(printed)} it is ${name}`, () => {
    assert.equal(nameIn(printed), name);
  });
}
