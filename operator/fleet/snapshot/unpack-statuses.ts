import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { ZodType, z } from 'zod';
import { CodedError } from '../../../shared/coded-error.ts';
import { parseJson } from '../../../shared/json.ts';
import { MAX_STATUS_BYTES } from '../../repository/host-documents.ts';
import { SnapshotHead, SnapshotHost } from './pack-statuses.ts';

/** As JSON a status may need more bytes than the host wrote: `\u0001`. */
const MAX_LINE = 8 * MAX_STATUS_BYTES;

export interface Unpacked {
  readonly head: z.infer<typeof SnapshotHead>;
  /** Throws STATUS_INVALID at what is no line of a snapshot, and where lines are missing. */
  readonly hosts: AsyncGenerator<SnapshotHost>;
}

/** Reads a snapshot from its compressed bytes. Throws STATUS_INVALID. */
export async function unpackStatuses(bytes: Buffer): Promise<Unpacked> {
  const lines = linesOf(bytes);
  const first = await lines.next();
  const head = parsed(SnapshotHead, first.done === true ? '' : first.value, 'its first line');
  async function* hosts(): AsyncGenerator<SnapshotHost> {
    let count = 0;
    for await (const line of lines) {
      count += 1;
      if (count > head.hosts) break;
      yield parsed(SnapshotHost, line, `line ${count + 1}`);
    }
    if (count !== head.hosts) throw invalid(`expected ${head.hosts} hosts, found another number`);
  }
  return { head, hosts: hosts() };
}

async function* linesOf(bytes: Buffer): AsyncGenerator<string> {
  const unzip = createGunzip();
  const text = Readable.from([bytes]).pipe(unzip).setEncoding('utf8');
  let rest = '';
  try {
    for await (const chunk of text) {
      const lines = (rest + String(chunk)).split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > MAX_LINE) throw invalid(`a line is longer than ${MAX_LINE} characters`);
      yield* lines;
    }
  } catch (cause) {
    if (cause instanceof CodedError) throw cause;
    throw invalid(`expected gzip, found something else: ${(cause as Error).message}`, cause);
  } finally {
    unzip.destroy();
  }
}

function parsed<T>(schema: ZodType<T>, line: string, where: string): T {
  const { data } = schema.safeParse(parseJson(line));
  if (data === undefined) throw invalid(`${where} is not one of a snapshot of this version of mm`);
  return data;
}

function invalid(why: string, cause?: unknown): CodedError {
  return new CodedError(`the snapshot in the bucket cannot be used: ${why}`, {
    code: 'STATUS_INVALID',
    cause,
    next: 'mm fleet sync, which reads the statuses themselves, then mm fleet snapshot',
  });
}
