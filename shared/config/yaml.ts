import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type YAMLMap } from 'yaml';

/** A line of a config file, from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
}

/** A problem in a config file. All problems are collected and thrown at once. */
export interface ConfigProblem {
  readonly place: Place;
  readonly message: string;
}

export type YamlMap = { readonly [key: string]: unknown };

export interface YamlFile {
  readonly value: YamlMap;
  /** Key path to the line of that key. */
  readonly places: ReadonlyMap<string, Place>;
  readonly problems: readonly ConfigProblem[];
}

/** A key path as people write it: `facts.deny[0]`. */
export function keyPath(path: readonly PropertyKey[]): string {
  return path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
    .join('')
    .replace(/^\./, '');
}

/**
 * Turns YAML text into plain values, with the line of each key. Refuses aliases: config files do
 * not need them, and a small file with aliases can expand without limit. Never throws; an empty
 * file is an empty map.
 */
export function readYaml(text: string, file: string): YamlFile {
  const lines = new LineCounter();
  // The library's search for duplicate keys needs quadratic time; `Walk` does the same in linear
  // time.
  const options = { uniqueKeys: false, stringKeys: true, prettyErrors: false } as const;
  const document = parseDocument(text, { lineCounter: lines, ...options });
  const walk = new Walk(file, lines);
  for (const found of [...document.errors, ...document.warnings]) {
    walk.problem(found.pos[0], PARSER_MESSAGES[found.code] ?? lowerFirst(found.message));
  }
  const root = document.contents;
  const isEmpty = root === null || (isScalar(root) && root.value === null);
  if (isEmpty || walk.problems.length > 0) return { ...walk, value: {} };
  if (isMap(root)) return { ...walk, value: walk.map(root, []) };
  walk.problem(0, `wanted keys and values, found ${isSeq(root) ? 'a list' : 'something else'}`);
  return { ...walk, value: {} };
}

/** Replaces the messages of the parser that do not help the author of a configuration file. */
const PARSER_MESSAGES: Readonly<Record<string, string>> = {
  MULTIPLE_DOCS: 'wanted one YAML document, found a second one (---)',
  RESOURCE_EXHAUSTION: 'nested too deeply',
};

class Walk {
  readonly places = new Map<string, Place>();
  readonly problems: ConfigProblem[] = [];
  readonly #file: string;
  readonly #lines: LineCounter;

  constructor(file: string, lines: LineCounter) {
    this.#file = file;
    this.#lines = lines;
  }

  problem(offset: number, message: string): void {
    this.problems.push({ place: this.#place(offset), message });
  }

  map(node: YAMLMap, path: readonly PropertyKey[]): YamlMap {
    const entries = new Map<string, unknown>();
    const firstLine = new Map<string, number>();
    for (const pair of node.items) {
      const keyNode = pair.key as Node;
      const key = isScalar(keyNode) ? String(keyNode.value) : '';
      const place = this.#place(keyNode.range?.[0] ?? 0);
      const first = firstLine.get(key);
      const here = [...path, key];
      if (first !== undefined) {
        const message = `${keyPath(here)}: this key is there twice, first on line ${first}`;
        this.problems.push({ place, message });
      }
      firstLine.set(key, place.line);
      this.places.set(keyPath(here), place);
      entries.set(key, this.#value(pair.value as Node | null, here));
    }
    return Object.fromEntries(entries);
  }

  #value(node: Node | null, path: readonly PropertyKey[]): unknown {
    if (node === null) return null;
    if (isMap(node)) return this.map(node, path);
    if (isSeq(node)) {
      return node.items.map((item, index) => {
        const here = [...path, index];
        this.places.set(keyPath(here), this.#place((item as Node).range?.[0] ?? 0));
        return this.#value(item as Node, here);
      });
    }
    if (isScalar(node)) {
      // No path, URL or name can have one, and Node throws a TypeError for such a path.
      if (typeof node.value === 'string' && node.value.includes('\0')) {
        this.problem(node.range?.[0] ?? 0, `${keyPath(path)}: wanted text without a zero byte`);
      }
      return node.value;
    }
    this.problem(
      node.range?.[0] ?? 0,
      `${keyPath(path)}: YAML aliases (*name) are not supported here`,
    );
    return null;
  }

  #place(offset: number): Place {
    return { file: this.#file, line: this.#lines.linePos(offset).line };
  }
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
