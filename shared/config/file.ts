import type { z } from 'zod';
import { CodedError } from '../coded-error.ts';
import { isJsonObject } from '../json.ts';
import { checkConfig } from './problems.ts';
import { type ConfigSource, requireSize } from './source.ts';
import { type ConfigProblem, type Place, readYaml, type YamlMap } from './yaml.ts';

/*
 * A YAML file becomes a checked configuration: source.ts reads it, yaml.ts parses it with the line
 * of each key, and problems.ts describes each mistake with its place. schema.ts prints a schema for
 * the docs.
 */

const MAX_PROBLEMS_SHOWN = 20;

export interface MergedConfig<T> {
  readonly config: T;
  /** Key path (`schedule.poll`) to `file:line`, for every key in the files. */
  readonly origins: ReadonlyMap<string, string>;
}

/**
 * Reads YAML (no aliases, one document, at most 256 kB) and checks it against the schema. Throws
 * CONFIG_INVALID with every problem: file, line, key path, what was wanted and what was found; an
 * unknown key with the nearest known one.
 */
export function parseConfigFile<T extends z.ZodType>(
  text: string,
  path: string,
  schema: T,
): z.infer<T> {
  return mergeConfigFiles([{ path, text }], schema).config;
}

/**
 * Like {@link parseConfigFile}, for several files merged into one. Later files win, key by key;
 * lists are replaced, not merged.
 */
export function mergeConfigFiles<T extends z.ZodType>(
  sources: readonly ConfigSource[],
  schema: T,
): MergedConfig<z.infer<T>> {
  const problems: ConfigProblem[] = [];
  const places = new Map<string, Place>();
  let merged: YamlMap = {};
  for (const { path, text } of sources) {
    requireSize(path, Buffer.byteLength(text));
    const file = readYaml(text, path);
    problems.push(...file.problems);
    merged = merge(merged, file.value);
    for (const [key, place] of file.places) places.set(key, place);
  }
  if (problems.length > 0) throw invalid(problems);
  const origins = new Map([...places].map(([key, place]) => [key, at(place)]));
  places.set('', { file: sources[0]?.path ?? '', line: 1 });
  const checked = checkConfig(merged, schema, places);
  if (!checked.success) throw invalid(checked.problems);
  return { config: checked.config, origins };
}

function merge(base: YamlMap, over: YamlMap): YamlMap {
  const merged = new Map(Object.entries(base));
  for (const [key, value] of Object.entries(over)) {
    const before = merged.get(key);
    merged.set(key, isJsonObject(before) && isJsonObject(value) ? merge(before, value) : value);
  }
  return Object.fromEntries(merged);
}

function invalid(problems: readonly ConfigProblem[]): CodedError {
  const lines = [...new Set(problems.map(({ place, message }) => `${at(place)}: ${message}`))];
  const rest = lines.splice(MAX_PROBLEMS_SHOWN).length;
  return new CodedError(rest > 0 ? [...lines, `and ${rest} more`] : lines, {
    code: 'CONFIG_INVALID',
    next: `edit ${[...new Set(problems.map(({ place }) => place.file))].join(', ')}`,
    details: { problems: problems.slice(0, MAX_PROBLEMS_SHOWN) },
  });
}

function at(place: Place): string {
  return `${place.file}:${place.line}`;
}
