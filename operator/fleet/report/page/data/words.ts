/* Numbers, times and states as people read them. */

const NUMBERS = new Intl.NumberFormat('en');

export function numberText(number: number): string {
  return NUMBERS.format(number);
}

/** `1,234 hosts`. */
export function counted(hosts: number): string {
  return `${numberText(hosts)} ${hosts === 1 ? 'host' : 'hosts'}`;
}

/** `12 of 1,234 hosts`. */
export function countedOf(hosts: number, all: number): string {
  return hosts === all ? counted(all) : `${numberText(hosts)} of ${counted(all)}`;
}

/** `0.4 %`. */
export function shareText(part: number, all: number): string {
  if (part === 0 || all === 0) return '0 %';
  const percent = (100 * part) / all;
  if (percent < 0.1) return '< 0.1 %';
  return `${percent < 9.95 ? percent.toFixed(1) : Math.round(percent)} %`;
}

/** As `mm fleet hosts` prints it. */
export function ageText(seconds: number): string {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** `4.2 s`, `1:05 min`. */
export function durationText(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')} min`;
  return `${Math.floor(whole / 3600)}:${String(Math.floor((whole % 3600) / 60)).padStart(2, '0')} h`;
}

/** `30 Nov 2026, 09:46 UTC`. */
export function instantText(at: number): string {
  const date = new Intl.DateTimeFormat('en-GB', {
    dateStyle: 'medium',
    timeStyle: 'short',
    timeZone: 'UTC',
  });
  return `${date.format(at)} UTC`;
}

export interface State {
  readonly name: string;
  readonly label: string;
  /** The last run did not do what it should. */
  readonly isFailing: boolean;
}

/** What needs a person first. */
export const STATES: readonly State[] = [
  { name: 'failed', label: 'Failed', isFailing: true },
  { name: 'not-compiled', label: 'Not compiled', isFailing: true },
  { name: 'killed', label: 'Killed', isFailing: true },
  { name: 'silent', label: 'Silent', isFailing: false },
  { name: 'terminated', label: 'Terminated', isFailing: false },
  { name: 'unreadable', label: 'Unreadable', isFailing: false },
  { name: 'disabled', label: 'Disabled', isFailing: false },
  { name: 'pending', label: 'Pending', isFailing: false },
  { name: 'changed', label: 'Changed', isFailing: false },
  { name: 'unchanged', label: 'Unchanged', isFailing: false },
  { name: 'skipped', label: 'Skipped', isFailing: false },
  { name: 'no-run', label: 'No run yet', isFailing: false },
];

export function stateCalled(name: string): State {
  return STATES.find((state) => state.name === name) ?? { name, label: name, isFailing: false };
}

/** Of a value that is empty. */
export const NONE = 'none';
