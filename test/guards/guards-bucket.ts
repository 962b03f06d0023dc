import type { Guard } from './guards.ts';

const STORES = 'test/operator/commands/bucket/stores.test.ts';

/** What `mm bucket init` and `mm policy check` never break, and never leave behind. */
export const BUCKET_GUARDS: readonly Guard[] = [
  {
    invariant: 'bucket init',
    file: 'operator/commands/bucket/tls-only.ts',
    line: 'if (await canRead(store, guarded.key)) return condition;',
    instead: 'return condition;',
    test: STORES,
    name: '^bucket init: behind a proxy',
  },
  {
    invariant: 'bucket init',
    file: 'operator/commands/bucket/lifecycle.ts',
    line: '...rules.filter(({ ID }) => ID !== rule.ID), ',
    instead: '',
    test: 'test/operator/commands/bucket/init.test.ts',
    name: '^bucket init: rules and statements of others stay',
  },
  {
    invariant: 'bucket init',
    file: 'operator/commands/bucket/versioning.ts',
    line: 'if (broken !== undefined) await suspend(store, broken);',
    instead: '',
    test: STORES,
    name: '^bucket init: a store like Ceph 16',
  },
  {
    invariant: 'policy check',
    file: 'bucket/s3/rights/rights.ts',
    line: "if (tried.answer.startsWith('written')) isSafe = false;",
    instead: '',
    test: 'test/operator/commands/policy/check.test.ts',
    name: '^policy check: a store that ignores every condition',
  },
  {
    invariant: 'policy check',
    file: 'bucket/s3/rights/trials.ts',
    line: '|| (await removeVersion(store, key, VersionId))',
    instead: '|| VersionId',
    test: 'test/operator/commands/policy/check.test.ts',
    name: '^policy check: a bucket with versions',
  },
];
