import { credentialsOf, s3Settings } from '../../../bucket/s3/setting-origins.ts';
import { configKeys } from '../../../shared/config/schema.ts';
import { redact } from '../../../shared/log/redact.ts';
import type { ConfigAnswer, SettingAnswer } from '../../by-hand-answers.ts';
import {
  type LoadedConfig,
  loadConfig,
  OperatorConfig,
  resolvePath,
  selectTree,
} from '../../config.ts';
import type { Answer, Context, SigningOptions } from '../../context.ts';
import { givenPassphrase, keysDirectory } from '../../open-tree.ts';
import { namesOf } from '../../release/source/export-ref.ts';
import { commitsNamed } from '../../release/source/objects.ts';
import { table } from '../../table.ts';
import { fromFile, type Setting } from './setting.ts';

/**
 * `mm config`: every value that counts for the commands of mm, and where it is from: an option, a
 * line of miyamoto.yaml, a variable of the environment, a file of AWS, git, or the default. It asks
 * no bucket and never shows a secret. Throws CONFIG_*, USAGE.
 */
export async function showConfig(
  context: Context,
  options: Pick<SigningOptions, 'config' | 'tree' | 'keys' | 'passphraseFile' | 'passphraseFd'>,
): Promise<Answer> {
  const { cwd, home, env } = context;
  const loaded = await loadConfig({ cwd, home, path: options.config });
  const names = Object.keys(loaded.config.trees);
  const trees = options.tree === undefined ? names : [options.tree];
  const settings: Setting[] = [
    {
      key: 'config',
      value: loaded.path,
      ...(options.config === undefined
        ? { from: 'default', place: 'the nearest miyamoto.yaml upwards' }
        : { from: 'option', place: '--config' }),
    },
    fromFile(loaded, 'bucket', loaded.config.bucket),
    ...(await s3Settings({ ...loaded.config, origins: loaded.origins }, env)),
    credentialsOf(loaded.config.s3, env),
  ];
  for (const tree of trees) settings.push(...(await treeSettings(context, loaded, tree, options)));
  settings.push(...commonSettings(context, loaded, options));
  const document: ConfigAnswer = {
    schemaVersion: 1,
    file: loaded.path,
    settings: settings.map(withoutSecrets),
  };
  return { document, lines: table(document.settings.map(cells)) };
}

async function treeSettings(
  context: Context,
  loaded: LoadedConfig,
  name: string,
  options: SigningOptions,
): Promise<Setting[]> {
  const { env, home } = context;
  const tree = selectTree(loaded, { home, tree: name });
  const at = `trees.${name}`;
  const place = { directory: tree.repository, env };
  const commits = await Promise.all(
    [...tree.refs].map(async ([environment, ref]): Promise<Setting[]> => {
      const key = `${at}.environments.${environment}`;
      const [commit] = (await commitsNamed(place, namesOf(ref))).values();
      const why = commit === undefined ? `no ${ref} in ${tree.repository}` : tree.repository;
      return [
        fromFile(loaded, `${key}.ref`, ref),
        { key: `${key}.commit`, value: commit ?? null, from: 'git', place: why },
      ];
    }),
  );
  const keys: Setting =
    options.keys === undefined
      ? { ...fromFile(loaded, 'keys', tree.keysDirectory), key: `${at}.keys` }
      : {
          key: `${at}.keys`,
          value: keysDirectory(context, tree, options),
          ...{ from: 'option', place: '--keys' },
        };
  return [
    fromFile(loaded, `${at}.id`, tree.id),
    fromFile(loaded, `${at}.root`, tree.rootFile),
    fromFile(loaded, `${at}.ignores_case`, tree.ignoresCase),
    ...commits.flat(),
    keys,
    { ...fromFile(loaded, 'state', tree.stateDirectory), key: `${at}.state` },
  ];
}

const PATHS = new Set(['repository', 'cache', 'publish.r10k_config']);
/** They are shown with their trees. */
const OF_TREES = new Set(['bucket', 'trees', 'keys', 'state']);

function commonSettings(
  context: Context,
  loaded: LoadedConfig,
  options: SigningOptions,
): Setting[] {
  const { path, config } = loaded;
  const keys = configKeys(OperatorConfig).map(({ key }) => key);
  const shown = keys.filter((key) => !OF_TREES.has(key) && !key.startsWith('s3.'));
  const settings = shown.map((key) => {
    const value = valueAt(config, key);
    const isPath = PATHS.has(key) && typeof value === 'string';
    return fromFile(loaded, key, isPath ? resolvePath(path, value, context.home) : value);
  });
  return [...settings, passphrase(context, options)];
}

/** Only the place of the passphrase. */
function passphrase(context: Context, options: SigningOptions): Setting {
  const { file, fd } = givenPassphrase(context, options);
  const key = 'passphrase';
  if (fd !== undefined) {
    return { key, value: `file descriptor ${fd}`, from: 'option', place: '--passphrase-fd' };
  }
  if (file === undefined) return { key, value: null, from: 'default', place: 'mm asks for it' };
  return options.passphraseFile === undefined
    ? { key, value: file, from: 'environment', place: 'MM_KEY_PASSPHRASE_FILE' }
    : { key, value: file, from: 'option', place: '--passphrase-file' };
}

function valueAt(config: object, key: string): unknown {
  let value: unknown = config;
  for (const step of key.split('.')) value = (value as Record<string, unknown>)[step];
  return value;
}

function withoutSecrets({ key, value, from, place }: Setting): SettingAnswer {
  const clean = (each: unknown): unknown => {
    if (typeof each === 'string') return redact(each);
    if (Array.isArray(each)) return each.map(clean);
    if (typeof each !== 'object' || each === null) return each;
    return Object.fromEntries(Object.entries(each).map(([name, inner]) => [name, clean(inner)]));
  };
  return { key, value: clean(value ?? null), from, place };
}

function cells({ key, value, from, place }: SettingAnswer): string[] {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return [key, value === null ? 'not set' : text, place === null ? from : `${from}: ${place}`];
}
