import type { SettingAnswer } from '../../by-hand-answers.ts';
import type { LoadedConfig } from '../../config.ts';

/** A value before secrets are removed from it. */
export interface Setting {
  /** As in miyamoto.yaml, where the value can stand there. */
  readonly key: string;
  /** Undefined and null: not set. */
  readonly value: unknown;
  readonly from: SettingAnswer['from'];
  /** The option, `file:line`, the name of a variable, or a remark. */
  readonly place: string | null;
}

/** A value of miyamoto.yaml with its line, or a default. */
export function fromFile(
  { origins }: Pick<LoadedConfig, 'origins'>,
  key: string,
  value: unknown,
): Setting {
  const place = origins.get(key);
  return { key, value, ...(place === undefined ? DEFAULT : { from: 'file', place }) };
}

const DEFAULT = { from: 'default', place: null } as const;
