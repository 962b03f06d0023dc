import { printable } from '../../shared/clean-text.ts';
import { counted } from '../../shared/counted.ts';
import type { CatalogsAnswer, DiffAnswer } from '../diff-answer.ts';

const SIGN = { added: '+', removed: '-', changed: '~' } as const;
/** Limit of the files that are shown: a first release has thousands. `--json` has all of them. */
const MAX_SHOWN = 100;

/** A preview as lines for a terminal. */
export function previewLines(answer: DiffAnswer): string[] {
  const { before, after, files, modules } = answer;
  return [
    `${sideText(before)} -> ${sideText(after)}`,
    ...section('files', files, fileLine),
    ...section('modules', modules, moduleLine),
    ...catalogLines(answer.catalogs),
  ].map((line) => printableIndented(line));
}

function section<T extends { readonly change: keyof typeof SIGN }>(
  title: string,
  changes: readonly T[],
  lineOf: (change: T) => string,
): string[] {
  if (changes.length === 0) return [`${title}: no change`];
  const count = (wanted: string) => changes.filter(({ change }) => change === wanted).length;
  const counts = `${count('added')} added, ${count('removed')} removed, ${count('changed')} changed`;
  const shown = changes.slice(0, MAX_SHOWN).map((each) => `  ${SIGN[each.change]} ${lineOf(each)}`);
  const more = changes.length - shown.length;
  return [`${title}: ${counts}`, ...shown, ...(more > 0 ? [`  and ${more} more: --json`] : [])];
}

function fileLine({ path, linesAdded, linesRemoved }: DiffAnswer['files'][number]): string {
  if (linesAdded === null || linesRemoved === null) return path;
  return `${path}  +${linesAdded} -${linesRemoved}`;
}

function moduleLine({ name, before, after, files }: DiffAnswer['modules'][number]): string {
  const states = [before, after].flatMap((state) => (state === null ? [] : [stateText(state)]));
  const distinct = [...new Set(states)].filter((state) => state !== '').join(' -> ');
  return `${name}  ${distinct === '' ? '' : `${distinct}, `}${counted(files, 'file')}`;
}

type ModuleState = NonNullable<DiffAnswer['modules'][number]['before']>;

function stateText({ version, source, commit }: ModuleState): string {
  const from = [source, commit?.slice(0, 10)].filter(Boolean).join('@');
  return [version, from === '' ? undefined : `(${from})`].filter(Boolean).join(' ');
}

/** Whether a host would have no catalog, as far as this machine can tell. */
export function hasBrokenHosts({ catalogs }: DiffAnswer): boolean {
  return catalogs?.failures.some(({ when }) => when !== 'before') ?? false;
}

/** Whether a host that has a catalog now would lose it. */
export function hasNewlyBrokenHosts({ catalogs }: DiffAnswer): boolean {
  return catalogs?.failures.some(({ when }) => when === 'after') ?? false;
}

function catalogLines(catalogs: CatalogsAnswer | null): string[] {
  if (catalogs === null) return [];
  const { hosts, unchanged, changes, failures, standIns, puppet } = catalogs;
  const failed = failures.reduce((sum, { certnames }) => sum + certnames.length, 0);
  const changed = hosts - unchanged - failed;
  const by = puppet === null ? '' : ` (Puppet ${puppet})`;
  const shown = changes.slice(0, MAX_SHOWN).flatMap(changeLines);
  const more = changes.length - MAX_SHOWN;
  return [
    `catalogs of ${counted(hosts, 'host')}: ${changed} changed, ${unchanged} the same, ${failed} not compiled${by}`,
    ...shown,
    ...(more > 0 ? [`  and ${more} more: --json`] : []),
    ...failures.slice(0, MAX_SHOWN).flatMap(failureLines),
    ...(standIns.length === 0
      ? []
      : [`not known here, so equal on both sides: ${standIns.join('; ')}`]),
  ];
}

function changeLines({
  change,
  resource,
  parameter,
  certnames,
  values,
}: CatalogsAnswer['changes'][number]): string[] {
  const what = `${SIGN[change]} ${resource}${parameter === null ? '' : ` ${parameter}`}`;
  const [value] = values;
  const others = values.length > 1 ? ', and others' : '';
  return [
    `  ${counted(certnames.length, 'host')}: ${what}`,
    ...(value === undefined ? [] : [`      ${valueText(change, value)}${others}`]),
  ];
}

function valueText(
  change: keyof typeof SIGN,
  { before, after }: { readonly before?: unknown; readonly after?: unknown },
): string {
  if (change === 'added') return jsonText(after);
  return change === 'removed' ? jsonText(before) : `${jsonText(before)} -> ${jsonText(after)}`;
}

const MAX_VALUE = 150;

function jsonText(value: unknown): string {
  return printable(JSON.stringify(value ?? null), MAX_VALUE);
}

const WHEN = {
  before: 'no catalog before',
  after: 'no catalog any more',
  both: 'no catalog, neither before nor after',
  facts: 'no facts that can be used',
} as const;

function failureLines({ when, error, certnames }: CatalogsAnswer['failures'][number]): string[] {
  const named = certnames.slice(0, 5).join(', ');
  const more = certnames.length > 5 ? ' and others' : '';
  return [
    `  ${counted(certnames.length, 'host')}, ${WHEN[when]}: ${named}${more}`,
    `      ${error}`,
  ];
}

function sideText({ name, commit }: DiffAnswer['before']): string {
  return commit === null ? name : `${name} (commit ${commit.slice(0, 10)})`;
}

function printableIndented(line: string): string {
  return `${/^ */.exec(line)?.[0]}${printable(line, 400)}`;
}
