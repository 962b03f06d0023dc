import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { replaceFileSync } from '../../../shared/atomic-file.ts';
import { orUndefined } from '../../../shared/files.ts';
import { ownText } from '../../../shared/foreign-file.ts';

/** `clean`: nothing was found, by any tool. `passed`: no error, and warnings were shown. */
export type Verdict = 'clean' | 'passed';

/** Limit of the lines of the file, about 3 MB. A release has at most this many entries. */
const MAX_VERDICTS = 100_000;
const LINE = /^([\w-]{22})([cp])$/;
const FORMAT = 'miyamoto gates 1';

/**
 * The files that the gates found good, each by a digest of everything that its verdict depends on.
 * The verdicts are kept for one version of the tools, and the oldest are removed first. A file that
 * cannot be read or has another form counts as empty, so that everything is checked.
 */
export class Verdicts {
  readonly #path: string;
  readonly #header: string;
  readonly #earlier = new Map<string, Verdict>();
  readonly #used = new Map<string, Verdict>();

  /** `tools`: text that changes with any program that takes part. */
  constructor(path: string, tools: string) {
    this.#path = path;
    this.#header = `${FORMAT} ${tools}`;
    const [header, ...lines] = (ownText(path) ?? '').split('\n');
    if (header !== this.#header) return;
    for (const line of lines.slice(0, MAX_VERDICTS)) {
      const [, key, letter] = LINE.exec(line) ?? [];
      if (key !== undefined) this.#earlier.set(key, letter === 'c' ? 'clean' : 'passed');
    }
  }

  /** The verdict of a file. Reading it marks it as used, so that it is kept. */
  get(key: string): Verdict | undefined {
    const known = this.#earlier.get(key);
    if (known !== undefined) this.#used.set(key, known);
    return known;
  }

  add(key: string, verdict: Verdict): void {
    this.#used.set(key, verdict);
  }

  /** Does not throw: without the file the next publication only takes longer. */
  save(): void {
    const verdicts = new Map([...this.#used, ...withoutUsed(this.#earlier, this.#used)]);
    const lines = [...verdicts]
      .slice(0, MAX_VERDICTS)
      .map(([key, verdict]) => `${key}${verdict === 'clean' ? 'c' : 'p'}`);
    orUndefined(() => {
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
      replaceFileSync(this.#path, [this.#header, ...lines, ''].join('\n'), { mode: 0o600 });
    });
  }
}

function withoutUsed<T>(earlier: ReadonlyMap<string, T>, used: ReadonlyMap<string, T>) {
  return [...earlier].filter(([key]) => !used.has(key));
}

/** The id that git gives to a file with this content. */
export function blobId(content: Buffer): string {
  return createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
}

/** 128 bits of a digest of the parts. */
export function verdictKey(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 22);
}
