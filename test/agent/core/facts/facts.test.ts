import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { collectFacts, factAt } from '../../../../agent/core/facts/facts.ts';
import { anyCodePoint } from '../../../support/fuzz.ts';

const FACTS = {
  os: { name: 'Debian', release: { full: '12.5', major: '12' } },
  kernel: 'Linux',
  facterversion: '4.3.0',
  'flat.custom': { deep: true },
  memory: { system: { total_bytes: 4096, used_bytes: 7, available: '1 kB', capacity: '4%' } },
  mountpoints: {
    '/': { device: '/dev/a', used: '1 GiB' },
    '/var/lib/a.b': { device: '/dev/b', used_bytes: 9 },
  },
  load_averages: { '1m': 0.5 },
  system_uptime: { seconds: 77 },
  processors: { count: 2, models: ['A', 'B'] },
  ec2_userdata: 'secret',
  gce: {
    instance: { machineType: 'e2-small', attributes: { 'startup-script': 'secret' } },
    project: { projectId: 'fleet', attributes: { 'ssh-keys': 'secret' } },
  },
  az_metadata: { compute: { vmSize: 'B1s', customData: 'secret', userData: 'secret' } },
  ec2_metadata: {
    'instance-type': 'm7g.large',
    iam: { info: '2026', 'security-credentials': { role: 'secret' } },
    'identity-credentials': { ec2: 'secret' },
  },
};

function collect(values: unknown, options: Partial<Parameters<typeof collectFacts>[1]> = {}) {
  const collected = collectFacts(values, { deny: [], promote: [], maxBytes: 524_288, ...options });
  assert.ok(collected);
  return collected;
}

suite('denied facts', () => {
  test('secrets of clouds never leave the host', () => {
    const promote = ['ec2_userdata', 'ec2_metadata.iam', 'gce.project', 'gce.project.attributes'];
    const { all, promoted } = collect(FACTS, { promote });
    assert.doesNotMatch(JSON.stringify([all, promoted]), /secret/);
    assert.equal(factAt(all, 'ec2_metadata.instance-type'), 'm7g.large');
    assert.equal(factAt(all, 'gce.project.projectId'), 'fleet');
    assert.equal(factAt(all, 'az_metadata.compute.vmSize'), 'B1s');
  });

  const table: Record<string, [string, unknown]> = {
    'a top-level fact': ['os', undefined],
    'a path': ['os.release.full', { name: 'Debian', release: { major: '12' } }],
    'any one name': ['os.*.major', { name: 'Debian', release: { full: '12.5' } }],
    'a fact that is not there': ['os.distro.id', FACTS.os],
    'a path through a text': ['os.name.first', FACTS.os],
  };
  for (const [name, [path, os]] of Object.entries(table)) {
    test(name, () => assert.deepEqual(collect(FACTS, { deny: [path] }).all['os'], os));
  }

  test('names that contain dots', () => {
    const { all } = collect(FACTS, {
      deny: ['flat.custom.deep', 'mountpoints./var/lib/a.b.device'],
    });
    assert.deepEqual(all['flat.custom'], {});
    assert.deepEqual(factAt(all, 'mountpoints./var/lib/a.b'), { used_bytes: 9 });
  });

  test('a denied fact is not promoted', () => {
    assert.deepEqual(collect(FACTS, { deny: ['os'], promote: ['os.name'] }).promoted, {});
  });

  test('the input is not changed', () => {
    const before = JSON.stringify(FACTS);
    collect(FACTS, { deny: ['os.release.full', 'mountpoints.*.device'] });
    assert.equal(JSON.stringify(FACTS), before);
  });
});

suite('promoted facts', () => {
  const table: Record<string, unknown> = {
    'os.release.full': '12.5',
    kernel: 'Linux',
    'processors.count': 2,
    'processors.models.1': 'B',
    'flat.custom.deep': true,
    'mountpoints./var/lib/a.b.device': '/dev/b',
    'os.missing': undefined,
    'kernel.length': undefined,
    missing: undefined,
    constructor: undefined,
  };
  for (const [path, value] of Object.entries(table)) {
    test(path, () => {
      const { promoted } = collect(FACTS, { promote: [path] });
      assert.deepEqual(promoted, value === undefined ? {} : { [path]: value });
    });
  }

  test('large facts are shortened', () => {
    const values = { text: 'x'.repeat(5000), list: Array.from({ length: 999 }, () => 'x') };
    const { promoted } = collect(values, { promote: ['text', 'list'] });
    assert.ok(JSON.stringify(promoted).length < 500);
  });
});

suite('the digest', () => {
  const digest = collect(FACTS).digest;

  test('order of names does not matter', () => {
    assert.equal(collect(Object.fromEntries(Object.entries(FACTS).reverse())).digest, digest);
  });

  const volatile: Record<string, unknown> = {
    memory: { system: { total_bytes: 4096, used_bytes: 8, available: '2 kB', capacity: '5%' } },
    mountpoints: {
      '/': { device: '/dev/a', used: '2 GiB', available_bytes: 1 },
      '/var/lib/a.b': { device: '/dev/b', used_bytes: 10 },
    },
    load_averages: { '1m': 3 },
    system_uptime: { seconds: 78 },
    uptime_seconds: 78,
    memoryfree_mb: 3,
    clientnoop: true,
    ec2_metadata: { 'instance-type': 'm7g.large', iam: { info: '2027' } },
  };
  for (const [name, value] of Object.entries(volatile)) {
    test(`does not follow ${name}`, () => {
      assert.equal(collect({ ...FACTS, [name]: value }).digest, digest);
    });
  }

  const stable: Record<string, unknown> = {
    kernel: 'Darwin',
    memory: { system: { total_bytes: 8192 } },
    mountpoints: { '/': { device: '/dev/c' } },
    new_one: null,
    processors: { count: 2, models: ['B', 'A'] },
  };
  for (const [name, value] of Object.entries(stable)) {
    test(`follows ${name}`, () => {
      assert.notEqual(collect({ ...FACTS, [name]: value }).digest, digest);
    });
  }
});

suite('bounds', () => {
  test('a long text is clipped and the others stay whole', () => {
    const { all, omitted } = collect({ ...FACTS, huge: '\u{1f600}'.repeat(1_500_000) });
    assert.match(String(all['huge']), /clipped\)$/);
    assert.ok(String(all['huge']).length < 17_000);
    assert.equal(factAt(all, 'os.name'), 'Debian');
    assert.deepEqual(omitted, []);
  });

  test('the largest facts are replaced by a marker, and no more than necessary', () => {
    const list = (length: number) => Array.from({ length }, (_, at) => `entry ${at}`);
    const values = { ...FACTS, first: list(9000), second: list(8000), small: list(10) };
    const { all, omitted, digest } = collect(values, { maxBytes: 130_000 });
    assert.deepEqual(omitted, ['first']);
    assert.match(String(all['first']), /not sent/);
    assert.deepEqual(all['second'], values.second);
    assert.ok(JSON.stringify(all).length <= 130_000);
    const grown = { ...values, first: list(9001) };
    assert.equal(collect(grown, { maxBytes: 130_000 }).digest, digest);
  });

  test('a promoted fact is promoted even when it was replaced', () => {
    const values = { role: 'web', tree: { role: 'db', all: 'x'.repeat(9000) } };
    const { promoted, all } = collect(values, { maxBytes: 1024, promote: ['tree.role'] });
    assert.deepEqual([promoted['tree.role'], all['role']], ['db', 'web']);
  });

  test('more facts than fit even as markers: all are dropped, and all are named', () => {
    const values = Object.fromEntries(Array.from({ length: 9000 }, (_, at) => [`fact_${at}`, at]));
    const { all, omitted } = collect(values, { maxBytes: 1024 });
    assert.deepEqual([all, omitted.length], [{}, 9000]);
  });

  test('endless nesting is cut', () => {
    const deep = JSON.parse(`${'['.repeat(20_000)}${']'.repeat(20_000)}`);
    assert.match(JSON.stringify(collect({ deep }).all), /nested too deeply/);
  });

  const notFacts: Record<string, unknown> = { nothing: undefined, null: null, list: [], text: 'x' };
  for (const [name, value] of Object.entries(notFacts)) {
    test(`no facts: ${name}`, () => {
      assert.equal(collectFacts(value, { deny: [], promote: [], maxBytes: 9999 }), undefined);
    });
  }

  test('the version of Facter', () => {
    assert.equal(collect(FACTS).facterVersion, '4.3.0');
    assert.equal(collect({ facterversion: 4 }).facterVersion, undefined);
  });

  test('any JSON gives well-formed JSON within the bound', () => {
    const names = fc.string({ unit: anyCodePoint });
    fc.assert(
      fc.property(fc.dictionary(names, fc.jsonValue()), fc.array(names), (values, paths) => {
        const { all } = collect(values, { maxBytes: 1024, deny: paths, promote: paths });
        const json = JSON.stringify(all);
        assert.ok(Buffer.byteLength(json) <= 1024);
        assert.ok(json.isWellFormed());
      }),
    );
  });

  test('half of a surrogate becomes U+FFFD', () => {
    assert.deepEqual(collect({ a: '\ud800x' }).all, { a: '\ufffdx' });
  });

  test('a fact named __proto__ is an ordinary fact', () => {
    const { all } = collect(JSON.parse('{"__proto__": {"a": 1}, "b": 2}'), { deny: ['b'] });
    assert.equal(JSON.stringify(all), '{"__proto__":{"a":1}}');
  });
});
