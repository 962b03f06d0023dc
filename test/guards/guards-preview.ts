import type { Guard } from './guards.ts';

const STOLEN = 'test/operator/commands/by-hand/stolen-release.test.ts';
const CATALOGS = 'test/operator/commands/diff/catalogs.test.ts';

/** A preview reads what others wrote, and runs on the machine of an operator. */
export const PREVIEW_GUARDS: readonly Guard[] = [
  {
    invariant: 'preview',
    file: 'operator/preview/sides/published.ts',
    line: 'if (found !== sha256) throw',
    instead: 'if (found === "") throw',
    test: 'test/operator/commands/diff/diff.test.ts',
    name: '^diff: a tarball that is not the signed one',
  },
  {
    invariant: 'preview',
    file: 'operator/puppet/ruby/catalog_parameters.rb',
    line: 'secret.include?(name) ? mask(value) : value',
    instead: 'value',
    test: CATALOGS,
    name: '^diff --catalog: Sensitive is masked',
  },
  {
    invariant: 'preview',
    file: 'operator/puppet/ruby/host_stand_ins.rb',
    line: 'Puppet::Util::Execution.singleton_class.prepend(Programs)',
    instead: '',
    test: CATALOGS,
    name: '^diff --catalog: what is different each time',
  },
  {
    invariant: 'preview',
    file: 'operator/puppet/run-ruby.ts',
    line: '!SECRET.test(name) && ',
    instead: '',
    test: 'test/operator/puppet/run-ruby.test.ts',
    name: '^run ruby: no credentials',
  },
  {
    invariant: 'preview',
    file: 'operator/release/tree/write-tree.ts',
    line: "if (leavingLinks === 'skip' && leavesRelease(path, entry.target)) return;",
    instead: '',
    test: 'test/operator/preview/catalogs/environment-files.test.ts',
    name: '^environment files: a link that leaves',
  },
  {
    invariant: 'stolen release',
    file: 'operator/config.ts',
    line: "  requireNoCheckout(path, 'mm reads no configuration of a release');\n",
    instead: '',
    test: STOLEN,
    name: '^checkout: looking at',
  },
  {
    invariant: 'stolen release',
    file: 'operator/commands/by-hand/apply.ts',
    line: "    requireNoCheckout(local.repository, 'mm apply runs the code of an environment as root');\n",
    instead: '',
    test: STOLEN,
    name: '^checkout: looking at',
  },
  {
    invariant: 'stolen release',
    file: 'operator/release/source/read-source.ts',
    line: 'return mark && agreement(mark);',
    instead: 'return mark && undefined;',
    test: STOLEN,
    name: '^checkout: looking at',
  },
  {
    invariant: 'stolen release',
    file: 'operator/preview/sides/published.ts',
    line: '    if (why !== undefined) refused.push(why);\n',
    instead: '',
    test: STOLEN,
    name: '^checkout and diff: what only',
  },
  {
    invariant: 'secrets',
    file: 'operator/commands/config/show-config.ts',
    line: "if (typeof each === 'string') return redact(each);",
    instead: "if (typeof each === 'string') return each;",
    test: 'test/operator/commands/config/config.test.ts',
    name: '^config: every value',
  },
  {
    invariant: 'row 16',
    file: 'operator/release/modules/add-modules.ts',
    line: "requireOwn(cacheDirectory, 'the directory of installed modules');",
    instead: '',
    test: 'test/operator/file-owners.test.ts',
    name: '^row 16: modules and statuses',
  },
];
