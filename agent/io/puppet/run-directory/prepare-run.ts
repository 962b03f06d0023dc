import { mkdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ApplyRequest } from '../../../ports.ts';
import type { HostData } from '../host-data/host-data.ts';
import { hostFacts } from '../host-data/host-facts.ts';
import { requireHostFiles, requireInEnvironment } from '../host-data/host-files.ts';
import { buildView } from '../host-data/overlay.ts';
import { type RubyConstants, writeRubyCopy } from '../ruby/ruby-copy.ts';
import { facterLibrary, factProblemsPath, routesPath, SLOW_FACTS_FILE } from './paths.ts';

/** Makes Puppet write report and facts of the run, both as JSON (puppet/indirector). */
const ROUTES = `apply:
  facts: {terminus: facter, cache: json}
  report: {terminus: processor, cache: json}
`;

/**
 * Makes an empty run directory, because an old report in it would look like the report of this run.
 * Adds the data of the host to the release. Returns the request with the environment that Puppet
 * must use. Throws FILES_MISSING, FILE_UNSAFE, CONFIG_INVALID.
 */
export function prepareRun(request: ApplyRequest, hostData: HostData): ApplyRequest {
  requireHostFiles(hostData);
  makeRunDirectory(request);
  addHostFacts(request, hostData);
  const prepared = withOverlay(request, hostData);
  requireInEnvironment(hostData, join(prepared.environmentPath, prepared.environment));
  return prepared;
}

function makeRunDirectory({ runDirectory, privateDirectory }: ApplyRequest): void {
  const library = facterLibrary(runDirectory);
  rmSync(runDirectory, { recursive: true, force: true });
  mkdirSync(library, { recursive: true, mode: 0o700 });
  writeFileSync(routesPath(runDirectory), ROUTES);
  writeRubyCopy(join(library, 'miyamoto_augeas.rb'), 'augeas_version.rb');
  writeRubyCopy(join(library, 'miyamoto_facts_json.rb'), 'facts_json.rb');
  writeRubyCopy(join(library, 'miyamoto_trusted_external.rb'), 'trusted_external.rb');
  writeRubyCopy(join(library, 'miyamoto_times.rb'), 'fact_times.rb', {
    name: 'MiyamotoFactTimes',
    constants: { FILE: SLOW_FACTS_FILE },
  });
  if (privateDirectory !== undefined) mkdirSync(privateDirectory, { recursive: true });
}

function addHostFacts({ runDirectory }: ApplyRequest, hostData: HostData): void {
  const facts = hostFacts(hostData);
  if (Object.keys(facts).length === 0) return;
  writeRubyPart(runDirectory, 'host_facts.rb', 'MiyamotoHostFacts', facts, {
    PROBLEMS: factProblemsPath(runDirectory),
    LIMIT: String(hostData.facts.limitSeconds),
  });
}

/** A run without an overlay uses the verified tree itself. */
function withOverlay(request: ApplyRequest, { overlay }: HostData): ApplyRequest {
  const { runDirectory, environmentPath, environment, viewPath } = request;
  if (Object.keys(overlay).length === 0) return request;
  const tree = realpathSync(join(environmentPath, environment));
  const templates = buildView(tree, join(viewPath, environment), overlay);
  if (templates.length > 0) {
    writeRubyPart(runDirectory, 'host_templates.rb', 'MiyamotoTemplates', templates);
  }
  return { ...request, environmentPath: viewPath };
}

/** A Ruby file for Facter to load, and the list that it works on. */
function writeRubyPart(
  runDirectory: string,
  name: 'host_facts.rb' | 'host_templates.rb',
  module: string,
  list: object,
  constants: RubyConstants = {},
): void {
  const path = join(runDirectory, `${name}.json`);
  writeFileSync(path, JSON.stringify(list), { mode: 0o600 });
  writeRubyCopy(join(facterLibrary(runDirectory), `miyamoto_${name}`), name, {
    name: module,
    constants: { ...constants, LIST: path },
  });
}
