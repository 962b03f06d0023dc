import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ApplyRequest } from '../../../ports.ts';
import { writeRubyCopy } from '../ruby/ruby-copy.ts';
import { facterLibrary, routesPath, SLOW_FACTS_FILE } from './paths.ts';

/** Makes Puppet write report and facts of the run, both as JSON (puppet/indirector). */
const ROUTES = `apply:
  facts: {terminus: facter, cache: json}
  report: {terminus: processor, cache: json}
`;

/** Makes an empty run directory: an old report in it could be taken for the one of this run. */
export function prepareRun({ runDirectory, privateDirectory }: ApplyRequest): void {
  const library = facterLibrary(runDirectory);
  rmSync(runDirectory, { recursive: true, force: true });
  mkdirSync(library, { recursive: true, mode: 0o700 });
  writeFileSync(routesPath(runDirectory), ROUTES);
  writeRubyCopy(join(library, 'miyamoto_augeas.rb'), 'augeas_version.rb');
  writeRubyCopy(join(library, 'miyamoto_facts_json.rb'), 'facts_json.rb');
  writeRubyCopy(join(library, 'miyamoto_times.rb'), 'fact_times.rb', {
    name: 'MiyamotoFactTimes',
    constants: { FILE: SLOW_FACTS_FILE },
  });
  if (privateDirectory !== undefined) mkdirSync(privateDirectory, { recursive: true });
}
