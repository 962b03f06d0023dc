import { isSecretName } from './redact.ts';
import { safeLine } from './safe-line.ts';

export type LogFields = Readonly<Record<string, unknown>>;

/** A line of Puppet is cut at 8 kB before it gets here; an error message at 2,000 characters. */
const MAX_STRING = 8 * 1024;
const MAX_LINE = 16 * 1024;
const MAX_ENTRIES = 100;
const MAX_DEPTH = 5;
const CUT = '...';

/**
 * Returns fields that are safe to log: one line each, without control characters, without
 * characters that reorder a line, without credentials, and about 16 kB in all.
 */
export function safeFields(fields: LogFields): LogFields {
  return safeObject(fields, { left: MAX_LINE }, 0);
}

interface Room {
  left: number;
}

function safeValue(value: unknown, room: Room, depth: number): unknown {
  if (value instanceof Error) return safeText(value.message, room);
  if (typeof value === 'string') return safeText(value, room);
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) return CUT;
  return Array.isArray(value)
    ? value.slice(0, MAX_ENTRIES).map((entry) => safeValue(entry, room, depth + 1))
    : safeObject(value as LogFields, room, depth + 1);
}

function safeObject(fields: LogFields, room: Room, depth: number): LogFields {
  return Object.fromEntries(
    Object.entries(fields)
      .slice(0, MAX_ENTRIES)
      .map(([name, value]) => [
        safeText(name, room),
        isSecretName(name) && value ? '[redacted]' : safeValue(value, room, depth),
      ]),
  );
}

function safeText(text: string, room: Room): string {
  const safe = safeLine(text, Math.max(CUT.length, Math.min(MAX_STRING, room.left)));
  room.left = Math.max(0, room.left - safe.length);
  return safe;
}
