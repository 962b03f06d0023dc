import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  chooseCertname,
  isClone,
  knownIds,
  type NameSources,
} from '../../../agent/core/certname.ts';

const never = async (): Promise<string> => assert.fail('it must not be looked up');
const nothing: NameSources = {
  configured: undefined,
  kept: undefined,
  find: never,
  qualify: never,
};
const kept = (certname: string) => ({ certname, machine: null });

const cases: Record<string, { sources: Partial<NameSources>; want: string }> = {
  'agent.yaml wins': {
    sources: { configured: 'web1.example.com', kept: kept('web9.example.com') },
    want: 'web1.example.com',
  },
  'a first look-up': {
    sources: { find: async () => 'web9.example.com' },
    want: 'web9.example.com',
  },
  'a stored name stays, even when a look-up returns another one': {
    sources: { kept: kept('web9.example.com') },
    want: 'web9.example.com',
  },
  'a kept name without a domain gets its domain': {
    sources: { kept: kept('web9'), qualify: async () => 'web9.example.com' },
    want: 'web9.example.com',
  },
  'a kept name without a domain does not become another host': {
    sources: { kept: kept('web9'), qualify: async () => 'db1.example.com' },
    want: 'web9',
  },
  'a kept name that no host may have is looked up again': {
    sources: { kept: kept('localhost'), find: async () => 'web9.example.com' },
    want: 'web9.example.com',
  },
  'a kept name while DNS is down': {
    sources: { kept: kept('web9'), qualify: async () => 'web9' },
    want: 'web9',
  },
};
for (const [name, { sources, want }] of Object.entries(cases)) {
  test(`certname: ${name}`, async () => {
    assert.equal(await chooseCertname({ ...nothing, ...sources }), want);
  });
}

for (const name of [
  'localhost',
  'localhost.localdomain',
  'localhost.example.com',
  'localhost6.localdomain6',
  'ip6-localhost',
  'a b',
  '../x',
  '',
]) {
  test(`certname: ${JSON.stringify(name)} is refused, and the message names the setting`, async () => {
    await assert.rejects(chooseCertname({ ...nothing, find: async () => name }), {
      code: 'CONFIG_INVALID',
      next: /set certname in agent\.yaml/,
    });
    await assert.rejects(chooseCertname({ ...nothing, configured: name }), {
      code: 'CONFIG_INVALID',
    });
  });
}

test('certname: a clone is a host whose state was made on another machine', () => {
  const a = { certname: 'web9', machine: 'a' };
  assert.equal(isClone(undefined, 'a'), false);
  assert.equal(isClone(a, 'a'), false);
  assert.equal(isClone(a, 'b'), true);
  assert.equal(isClone(a, null), false, 'the ids cannot be read now');
  assert.equal(isClone(kept('web9'), 'b'), false, 'they could not be read then');
  const both = { certname: 'web9', machine: 'a.b.' };
  assert.equal(isClone(both, 'a.c.'), true);
  assert.equal(isClone(both, 'x.b.'), true);
  assert.equal(isClone(both, 'a..c'), false, 'an id was gained, and one was lost');
  assert.equal(isClone({ ...both, machine: '.b.' }, 'a.b.'), false);
  assert.equal(knownIds(both, 'a..c'), 'a.b.c', 'a lost id is remembered');
  assert.equal(knownIds(both, null), 'a.b.');
  assert.equal(knownIds(undefined, 'a..'), 'a..');
});
