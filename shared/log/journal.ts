import { fstatSync } from 'node:fs';

/**
 * sd-daemon(3): journald removes `<3>` from a line and stores it as the priority, so that
 * `journalctl --priority=warning` works.
 */
const PRIORITIES = { debug: 7, info: 6, warn: 4, error: 3 } as const;

/**
 * Whether a descriptor is the socket to systemd's journal. systemd.exec(5): JOURNAL_STREAM holds
 * its device and inode. A child whose output was redirected inherits the variable, so the
 * descriptor decides.
 */
export function isJournal(fd: number, env: NodeJS.ProcessEnv): boolean {
  const stream = env['JOURNAL_STREAM'];
  if (!stream) return false;
  try {
    const { dev, ino } = fstatSync(fd, { bigint: true });
    return stream === `${dev}:${ino}`;
  } catch {
    return false;
  }
}

/** Each line of the text with its priority for the journal. */
export function withPriority(text: string, level: keyof typeof PRIORITIES): string {
  return text.replaceAll(/^/gm, `<${PRIORITIES[level]}>`);
}
