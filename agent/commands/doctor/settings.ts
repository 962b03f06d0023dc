import { type S3Setting, s3Settings } from '../../../bucket/s3/setting-origins.ts';
import { asciiJson } from '../../../shared/clean-text.ts';
import { safeFields } from '../../../shared/log/safe-fields.ts';
import type { LoadedConfig } from '../../config/load-config.ts';

/** A value of the configuration and where it is from, without secrets. */
export type ShownSetting = S3Setting;

/** Every key, with its value and its origin. Throws CONFIG_INVALID for a wrong variable. */
export async function shownSettings(
  { config, origins }: LoadedConfig,
  env: NodeJS.ProcessEnv,
): Promise<readonly ShownSetting[]> {
  const written = new Map([...origins].filter(([, place]) => !UNWRITTEN.has(place)));
  const ofS3 = await s3Settings({ ...config, origins: written }, env);
  const others = [...origins.keys()]
    .filter((key) => !key.startsWith('s3.'))
    .map((key): ShownSetting => {
      const place = written.get(key);
      const from = place === undefined ? 'default' : 'file';
      return { key, value: valueAt(config, key), from, place: place ?? null };
    });
  return [...others, ...ofS3].map((setting) => ({ ...setting, value: withoutSecrets(setting) }));
}

/** As `loadConfig` says that no file has the key. */
const UNWRITTEN: ReadonlySet<string> = new Set(['default', 'not set']);

/** The lines of the settings that differ from their default. */
export function settingLines(settings: readonly ShownSetting[]): string[] {
  const set = settings.filter(({ from, value }) => from !== 'default' && value !== null);
  return set.map(({ key, value, place }) => {
    const text = typeof value === 'string' ? value : asciiJson(value);
    return `         ${key} = ${text}  (${place})`;
  });
}

function valueAt(config: object, key: string): unknown {
  let value: unknown = config;
  for (const step of key.split('.')) value = (value as Record<string, unknown> | undefined)?.[step];
  return value;
}

/** Of the environment of a run only the names: people put secrets there, in spite of the docs. */
function withoutSecrets({ key, value }: ShownSetting): unknown {
  if (value === undefined || value === null) return null;
  if (key === 'run.environment') return Object.keys(value);
  return safeFields({ [key]: value })[key];
}
