import { FAILING_RESOURCE } from './statuses.ts';

/** What a team asks a copy of all statuses, as words after `mm fleet`. */
export function questions(certname: string): readonly (readonly string[])[] {
  return [
    ['status'],
    ['status', '--where', 'environment=testing', '--fail-over', '50%'],
    ['hosts', '--failed'],
    ['hosts', '--stale'],
    ['hosts', '--older-than', '2d', '--json'],
    ['hosts', '--where', 'os.release.full=24.04', '--failed'],
    ['hosts', '--where', 'release.version=1.5.0', '--where', 'role=db'],
    ['hosts', '--where', `run.failedResources.resource=${FAILING_RESOURCE}`],
    ['host', certname],
    ['why', certname, FAILING_RESOURCE],
  ];
}
