import { metadataKey } from '../../../bucket/layout.ts';
import type { InitAnswer } from '../../answers.ts';
import type { Answer } from '../../context.ts';
import { table } from '../../table.ts';
import { firstRoles } from './initial-targets.ts';
import { agentConfig, type InitPlan, type keyPaths } from './plan.ts';

export interface InitOutcome {
  readonly plan: InitPlan;
  readonly keys: ReturnType<typeof keyPaths>;
  readonly outcome: InitAnswer['outcome'];
  readonly objects?: readonly string[];
  readonly expires?: InitAnswer['expires'];
  readonly converted?: InitAnswer['converted'];
}

/** What mm created or would create, and the next steps. */
export function answerInit(done: InitOutcome): Answer {
  const { plan, keys, outcome, objects, expires, converted } = done;
  const { config, configFile } = plan;
  const document: InitAnswer = {
    schemaVersion: 1,
    outcome,
    bucket: config.bucket,
    tree: config.tree,
    treeId: config.id,
    configFile,
    rootFile: config.rootFile,
    keys,
    objects: [...(objects ?? plannedObjects(plan))],
    agentConfig: agentConfig(config),
    expires: expires ?? null,
    ...(converted !== undefined && { converted }),
  };
  const lines = outcome === 'noop' ? noopLines(plan, document) : doneLines(document);
  return { document, lines: [...convertedLines(document), ...lines] };
}

function plannedObjects({ config }: InitPlan): string[] {
  const roles = ['root', 'targets', ...firstRoles([...config.refs.keys()]), 'snapshot'];
  const files = [...roles.map((role) => `1.${role}.json`), 'timestamp.json'];
  return files.map((file) => metadataKey(config.tree, file));
}

/** What each key of the original's file became. */
function convertedLines({ converted = [] }: InitAnswer): string[] {
  const rows = converted.map(({ key, value, became, why }) => {
    return [key, value, became ?? 'has no counterpart', why];
  });
  return rows.length === 0 ? [] : [...table(rows), ''];
}

function noopLines({ configText }: InitPlan, document: InitAnswer): string[] {
  const { configFile, keys, rootFile, objects } = document;
  const files = [...(configText === undefined ? [] : [configFile]), keys.operator, keys.safe];
  return ['would write files:', ...files, rootFile, 'would write objects:', ...objects];
}

function doneLines(document: InitAnswer): string[] {
  const { bucket, tree, treeId, configFile, rootFile, keys, expires } = document;
  const [environment] = Object.keys(expires ?? {}).filter((role) => role.startsWith('env-'));
  return [
    `tree ${tree} is ready at s3://${bucket}/${tree}, signed as ${treeId}`,
    '',
    `configuration   ${configFile}`,
    `trust root      ${rootFile}`,
    `daily key       ${keys.operator}`,
    `safe key        ${keys.safe}`,
    '',
    'The daily key publishes. The safe key adds environments and replaces keys: move its file off',
    'this machine now, to a safe place. Without it a lost daily key cannot be replaced.',
    'Commit configuration and trust root. Never commit the keys.',
    `Signatures expire at ${expires?.['timestamp']} unless you publish or renew before.`,
    '',
    'Next:',
    `  mm publish ${environment?.slice('env-'.length) ?? 'stable'}`,
    '',
    `On a host: ${rootFile} as /etc/miyamoto/root.json, and as /etc/miyamoto/agent.yaml:`,
    ...document.agentConfig
      .trimEnd()
      .split('\n')
      .map((line) => `  ${line}`),
  ];
}
