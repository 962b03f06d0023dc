import type { Guard } from './guards.ts';

const LIST = 'test/operator/commands/status/list.test.ts';

/** What any host may write about itself, and what an operator reads of it or removes. */
export const HOST_GUARDS: readonly Guard[] = [
  {
    invariant: 'status',
    file: 'operator/hosts/read-statuses.ts',
    line: '    if (problem === undefined) throw error;\n',
    instead: '    throw error;\n',
    test: LIST,
    name: '^status: objects that cannot be used',
  },
  {
    invariant: 'status',
    file: 'operator/hosts/read-statuses.ts',
    line: '  if (!isReadable && refused > 0) throw firstRefusal;\n',
    instead: '',
    test: LIST,
    name: '^status: a bucket that cannot be read',
  },
  {
    invariant: 'status',
    file: 'operator/hosts/gate.ts',
    line: '  if (matching === 0) return false;\n',
    instead: '',
    test: LIST,
    name: '^status: conditions, options and gates',
  },
  {
    invariant: 'status',
    file: 'operator/commands/status/tally.ts',
    line: '      counts.bad += 1;\n',
    instead: '',
    test: LIST,
    name: '^status: objects that cannot be used',
  },
  {
    invariant: 'status',
    file: 'operator/hosts/last-report.ts',
    line: 'Math.min(Math.max(announced / 1000, 0), MAX_LIMIT_SECONDS)',
    instead: 'Math.max(announced / 1000, 0)',
    test: LIST,
    name: '^status: conditions, options and gates',
  },
  {
    invariant: 'forget',
    file: 'operator/commands/forget/forget.ts',
    line: '    if (options.force !== true) requireGone(present);\n',
    instead: '',
    test: 'test/operator/commands/forget/forget.test.ts',
    name: '^forget: removes status and facts',
  },
  {
    invariant: 'fleet',
    file: 'operator/fleet/sync.ts',
    line: "  if (host.problem?.kind === 'refused' && store.hasStatus(file)) return;\n",
    instead: '',
    test: 'test/operator/commands/fleet/sync.test.ts',
    name: '^fleet sync: a status that S3 refuses now',
  },
  {
    invariant: 'fleet',
    file: 'operator/fleet/sync.ts',
    line: "TRY_AGAIN.has(host.problem?.kind) ? '' : ",
    instead: '',
    test: 'test/operator/commands/fleet/fleet.test.ts',
    name: '^fleet sync: a status that S3 refused',
  },
  {
    invariant: 'fleet',
    file: 'operator/fleet/query.ts',
    line: "      if (!isAllowed) denied ??= name ?? 'recursion';\n",
    instead: '      return constants.SQLITE_OK;\n',
    test: 'test/operator/commands/fleet/query.test.ts',
    name: '^fleet query: a statement that does more',
  },
  {
    invariant: 'fleet',
    file: 'operator/fleet/query.ts',
    line: 'now() > endsAt',
    instead: 'now() < 0',
    test: 'test/operator/commands/fleet/query.test.ts',
    name: '^fleet query: a statement that needs too long',
  },
];
