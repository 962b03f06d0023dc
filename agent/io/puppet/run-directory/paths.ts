import { join } from 'node:path';

/*
 * A run directory belongs to one run of Puppet: its configuration goes in, its report, facts and
 * output come out. It is private to root, and no later run uses it.
 */

/** Puppet's report. The path is also in the command line, which marks the process of the run. */
export function reportPath(runDirectory: string): string {
  return join(runDirectory, 'report.json');
}

/** Puppet's `last_run_summary.yaml`. */
export function summaryPath(runDirectory: string): string {
  return join(runDirectory, 'summary.yaml');
}

/** The facts of the run. Puppet determines the names below the client data directory. */
export function factsPath(runDirectory: string, certname: string): string {
  return join(clientDataDirectory(runDirectory), 'facts', `${certname}.json`);
}

export function clientDataDirectory(runDirectory: string): string {
  return join(runDirectory, 'client_data');
}

/** What Puppet printed, unchanged. */
export function outputPath(runDirectory: string): string {
  return join(runDirectory, 'puppet.log');
}

export function routesPath(runDirectory: string): string {
  return join(runDirectory, 'routes.yaml');
}

/** Ruby that Facter loads with the custom facts (FACTERLIB). */
export function facterLibrary(runDirectory: string): string {
  return join(runDirectory, 'facter');
}

/** Written by fact_times.rb, which is in the directory below. */
export function slowFactsPath(runDirectory: string): string {
  return join(runDirectory, SLOW_FACTS_FILE);
}

export const SLOW_FACTS_FILE = 'slow-facts.json';

/** The environment variables of a run in a unit, until Puppet starts. */
export function environmentFile(runDirectory: string): string {
  return join(runDirectory, 'environment.sh');
}

/** What went wrong with the facts of this host, a line each. Written by host_facts.rb. */
export function factProblemsPath(runDirectory: string): string {
  return join(runDirectory, 'fact-problems');
}
