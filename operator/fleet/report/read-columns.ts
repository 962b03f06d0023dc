import { ageSeconds } from '../../hosts/last-report.ts';
import { STATE_SQL } from '../host-state.ts';
import type { FleetStore } from '../store.ts';
import { Attention } from './attention.ts';
import { type Column, ManyColumn, NumberColumn, OneColumn, TextColumn } from './columns.ts';
import { FactColumns } from './fact-columns.ts';
import { FailingResources } from './failing-resources.ts';

/** What the report shows of each host. The names are those that the page asks for. */
export interface ReadColumns {
  readonly hosts: number;
  readonly columns: readonly Column[];
  readonly messages: readonly string[];
}

const FIELDS = {
  seconds: '$.run.durationSeconds',
  changed: '$.run.resources.changed',
  failed: '$.run.resources.failed',
  agent: '$.versions.agent',
  puppet: '$.versions.puppet',
  hooks: '$.hooks',
  fights: '$.fights',
  disabled: '$.disabled.reason',
} as const;

/** Reads every host of the store, in the order of the bucket. `now` is the time of the copy. */
export function readColumns(store: FleetStore, now: number): ReadColumns {
  const names = new TextColumn('certname');
  const one = {
    state: new OneColumn({ name: 'state', label: 'State' }),
    environment: new OneColumn({ name: 'environment', label: 'Environment' }),
    release: new OneColumn({ name: 'release', label: 'Release' }),
    agent: new OneColumn({ name: 'agent', label: 'Agent' }),
    puppet: new OneColumn({ name: 'puppet', label: 'Puppet' }),
    trust: new OneColumn({ name: 'trust', label: 'Trust' }),
    note: new OneColumn({ name: 'note', label: 'Why' }),
  };
  const numbers = {
    age: new NumberColumn({ name: 'age', label: 'Last seen' }),
    // In tenths of a second.
    runTime: new NumberColumn({ name: 'runTime', label: 'Run time' }),
    changed: new NumberColumn({ name: 'changed', label: 'Changed resources' }),
    failed: new NumberColumn({ name: 'failed', label: 'Failed resources' }),
  };
  const groups = new ManyColumn({ name: 'group', label: 'Group' });
  const attention = new Attention(store);
  const failing = new FailingResources(store);
  const facts = new FactColumns(store);
  let hosts = 0;
  for (const row of rowsOf(store, now)) {
    hosts += 1;
    const text = (name: string): string => String(row[name] ?? '');
    names.add(text('certname'));
    one.state.add(text('state'));
    one.environment.add(text('environment'));
    one.release.add(text('version'));
    one.agent.add(text('agent'));
    one.puppet.add(text('puppet'));
    one.trust.add(text('trust'));
    one.note.add(noteOf(row, attention.add(row)));
    numbers.age.add(ageSeconds(Number(row['receivedAt']), now));
    numbers.runTime.add(numberIn(row['seconds'], 10));
    numbers.changed.add(numberIn(row['changed']));
    numbers.failed.add(numberIn(row['failed']));
    groups.add(row['groups'] === null ? [] : (JSON.parse(text('groups')) as string[]));
    failing.add(text('file'));
    facts.add(row['facts']);
  }
  return {
    hosts,
    columns: [
      ...[names, ...Object.values(one), ...Object.values(numbers)],
      ...[groups, attention.column, failing.column, ...facts.columns()],
    ],
    messages: failing.messages(),
  };
}

type Row = Readonly<Record<string, unknown>>;

function rowsOf(store: FleetStore, now: number): Iterable<Row> {
  const fields = Object.entries(FIELDS).map(([name, path]) => `status ->> '${path}' AS "${name}"`);
  const columns = [
    'file',
    'certname',
    'receivedAt',
    'run',
    'problem',
    'environment',
    'version',
    'failure',
  ];
  const more = ['trust', 'deferred', 'pinned', 'windowWhy', 'groups'];
  return store.database
    .prepare(
      `SELECT ${STATE_SQL} AS state, ${[...columns, ...more, ...fields].join(', ')},
         status -> '$.facts' AS facts
       FROM host LEFT JOIN document USING (file) ORDER BY file`,
    )
    .iterate(now);
}

/** Why a host is in its state. The state itself is a column. */
function noteOf({ run, failure, disabled }: Row, problem: string | undefined): string {
  const text = String(failure ?? disabled ?? problem ?? '');
  const prefix = `${run}: `;
  return text.startsWith(prefix) ? text.slice(prefix.length) : text;
}

function numberIn(cell: unknown, factor = 1): number | null {
  return typeof cell === 'number' ? cell * factor : null;
}
