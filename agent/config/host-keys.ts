import * as z from 'zod';
import { AbsolutePath, EnvironmentOrHostPath, PathInEnvironment } from './host-path.ts';
import { RESERVED_FACTS, whyRefused } from './puppet-settings.ts';

/** The keys by which a host adds to a release what only the host has. See docs/agent.md. */

export const Overlay = z
  .record(
    PathInEnvironment,
    z.union([AbsolutePath, z.strictObject({ template: AbsolutePath })], {
      error: 'expected an absolute path, or a map with the key template',
    }),
  )
  .optional()
  .describe(
    'Files and directories of this host that a run sees in its environment, for example `{data/secrets/vault.yaml: /root/vault.yaml}`. A small template: `{manifests/node.pp: {template: /etc/miyamoto/node.pp}}`. See [agent.md](agent.md).',
  );

export const RequireFiles = z
  .array(AbsolutePath)
  .max(100)
  .default([])
  .describe('Files and directories without which no run begins.');

const Scalar = z.union([z.string().max(10_000), z.number(), z.boolean()]);

const SettingName = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,99}$/, 'expected the name of a setting of Puppet')
  .superRefine((name, context) => {
    const why = whyRefused(name);
    if (why !== undefined) context.addIssue({ code: 'custom', message: why });
  });

/** An option that sets what `puppet.settings` must not set has the same reason. */
const ExtraArgument = z
  .string()
  .min(1)
  .max(1000)
  .superRefine((argument, context) => {
    const name = /^--(?:no_)?([a-z_]+)/.exec(argument.replaceAll(/(?<=[a-z])-/g, '_'))?.[1];
    const why = whyRefused(name ?? '');
    if (why !== undefined) context.addIssue({ code: 'custom', message: why });
  });

export const ExtraArguments = z
  .array(ExtraArgument)
  .max(50)
  .default([])
  .describe(
    'Added to the arguments of `puppet apply`, for example `[--trace]`. Those that the agent needs itself are refused with the reason.',
  );

const ModulePath = z.union([z.literal('$basemodulepath'), EnvironmentOrHostPath], {
  error: 'expected a path inside the environment, an absolute path or "$basemodulepath"',
});

export const Puppet = z
  .strictObject({
    modulepath: z
      .array(ModulePath)
      .min(1)
      .max(50)
      .optional()
      .describe(
        'Directories of modules, in place of those of `environment.conf`. A relative path is inside the environment.',
      ),
    hiera_config: EnvironmentOrHostPath.optional().describe(
      "Configuration of Hiera's global layer. A relative path is inside the environment, here and in the next three keys.",
    ),
    trusted_external_command: EnvironmentOrHostPath.optional().describe(
      'A program, or a directory of programs, for `$trusted[external]`.',
    ),
    fileserver_config: EnvironmentOrHostPath.optional().describe(
      "Mount points for `puppet:///` (Puppet's `fileserverconfig`).",
    ),
    external_nodes: EnvironmentOrHostPath.optional().describe(
      'The program that classifies the node, with `node_terminus: exec`.',
    ),
    node_terminus: z
      .enum(['plain', 'exec'])
      .optional()
      .describe('`exec`: ask the program in `external_nodes`. Left out: as in `puppet.conf`.'),
    config_version: z
      .enum(['release', 'environment'])
      .default('release')
      .describe(
        "`release`: the release's label is the version of the catalog. `environment`: as `environment.conf` says.",
      ),
    settings: z
      .record(SettingName, Scalar)
      .optional()
      .describe(
        'Other settings of Puppet, for example `{strict_variables: true}`. Those that the agent needs itself are refused with the reason.',
      ),
  })
  .superRefine(({ node_terminus, external_nodes }, context) => {
    if ((node_terminus === 'exec') === (external_nodes !== undefined)) return;
    const [path, message] =
      external_nodes === undefined
        ? ['external_nodes', 'expected the program that node_terminus: exec asks']
        : ['node_terminus', 'expected "exec", because external_nodes is set'];
    context.addIssue({ code: 'custom', path: [path], message });
  });

const VariableName = z
  .string()
  .regex(/^[A-Za-z_]\w{0,199}$/, 'expected the name of an environment variable');

export const RunEnvironment = z
  .record(
    VariableName,
    Scalar.transform(String).refine((text) => !text.includes('\0'), 'expected text without NUL'),
  )
  .optional()
  .describe(
    'Environment variables of Puppet, for example `{VAULT_ADDR: "https://vault.example.com"}`. Not for secrets.',
  );

export const RunEnvironmentFiles = z
  .array(AbsolutePath)
  .max(20)
  .default([])
  .describe(
    'Files with lines `NAME=value` for secrets in the environment of Puppet. Each must belong to root and have mode 0600.',
  );

/** False when YAML has rounded a number: the fact would have another value than the file. */
function isExact(value: unknown): boolean {
  if (typeof value === 'number')
    return Number.isSafeInteger(value) || (Number.isFinite(value) && value % 1 !== 0);
  if (typeof value !== 'object' || value === null) return true;
  return Object.values(value).every(isExact);
}

/** The names of facts are in lower case for Facter. */
const FactName = z
  .string()
  .regex(/^[a-z0-9_][a-z0-9_-]{0,99}$/, 'expected the name of a fact in lower case')
  .refine((name) => !RESERVED_FACTS.has(name), 'expected a name that Puppet does not reserve');

const FactValue = z
  .union([Scalar, z.array(z.unknown()), z.record(z.string(), z.unknown())], {
    error: 'expected text, a number, true, false, a list or a map',
  })
  .refine(isExact, 'expected finite numbers below 2^53; write a larger one in quotes');

/** Keys for the facts that the host adds. All of them are at the top level of `$facts`. */
export const HOST_FACTS = {
  set: z
    .record(FactName, FactValue)
    .optional()
    .describe('Facts and their values, for example `{role: web}`.'),
  files: z
    .record(FactName, AbsolutePath)
    .optional()
    .describe(
      'Facts whose value is in a file, for example `{role: /etc/puppet_role}`. Without the file no run begins.',
    ),
  knobs: AbsolutePath.optional().describe(
    'A directory in which each file is a fact, for example `/etc/knobs`. See [agent.md](agent.md).',
  ),
  knob_scripts: AbsolutePath.optional().describe(
    'A directory in which each program prints the value of a fact.',
  ),
};
