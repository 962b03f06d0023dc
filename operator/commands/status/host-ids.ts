import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { Instant } from '../../../bucket/documents/names.ts';
import { writeFileAtomicSync } from '../../../shared/atomic-file.ts';
import { orUndefined } from '../../../shared/files.ts';
import { ownText } from '../../../shared/foreign-file.ts';

/** The ids that a host has shown, oldest first, with the time when `mm status` first saw each. */
const Seen = z.array(z.object({ id: z.string().max(64), at: Instant }));
const KnownIds = z.record(z.string(), Seen);

/** In ms. A former id is forgotten after this time, because it says nothing about the present. */
const REMEMBERED_MS = 7 * 86_400_000;

/**
 * The ids that hosts have shown in earlier calls, in the kept state. When it cannot be read or
 * written, each call treats the hosts as new.
 */
export class HostIds {
  readonly #stateDirectory: string;
  readonly #now: number;
  readonly #before: ReadonlyMap<string, z.infer<typeof Seen>>;
  readonly #after = new Map<string, z.infer<typeof Seen>>();

  constructor(stateDirectory: string, now: number) {
    this.#stateDirectory = stateDirectory;
    this.#now = now;
    const kept = orUndefined(() => KnownIds.parse(JSON.parse(ownText(this.#file) ?? '')));
    this.#before = new Map(Object.entries(kept ?? {}));
  }

  /** Whether the id changed back to an earlier one: two machines write their status in turn. */
  isChangingBack(certname: string, id: string): boolean {
    const recent = (this.#before.get(certname) ?? []).filter(
      ({ at }, i, all) => i === all.length - 1 || this.#now - Date.parse(at) < REMEMBERED_MS,
    );
    const isNew = recent.at(-1)?.id !== id;
    const at = new Date(this.#now).toISOString();
    const ids = isNew ? [...recent, { id, at }].slice(-4) : recent;
    this.#after.set(certname, ids);
    return ids.slice(0, -1).some((earlier) => earlier.id === id);
  }

  /**
   * Saves the ids. Must be called after the last host: hosts that were not checked are forgotten.
   */
  save(): void {
    orUndefined(() => {
      mkdirSync(this.#stateDirectory, { recursive: true, mode: 0o700 });
      const text = `${JSON.stringify(Object.fromEntries(this.#after))}\n`;
      writeFileAtomicSync(this.#file, text, { mode: 0o600 });
    });
  }

  get #file(): string {
    return join(this.#stateDirectory, 'host-ids.json');
  }
}
