import type { ColumnHead, ReportHead } from '../../format.ts';
import { type Cells, Fleet, type NumberColumn, type ValueColumn } from './fleet.ts';

/** Decodes what mm has embedded. Throws for what is not the data of a report. */
export async function loadFleet(base64: string): Promise<Fleet> {
  const buffer = await inflated(bytesOf(base64.trim()));
  const headBytes = new DataView(buffer).getUint32(0, true);
  const head = JSON.parse(decoded(new Uint8Array(buffer, 4, headBytes))) as ReportHead;
  let names = '';
  const columns: (ValueColumn | NumberColumn)[] = [];
  let at = aligned(4 + headBytes);
  for (const about of head.columns) {
    if (about.kind === 'text') names = decoded(new Uint8Array(buffer, at, about.bytes));
    else columns.push(columnIn(buffer, at, { about, hosts: head.hosts }));
    at = aligned(at + about.bytes);
  }
  const of = names.split('\n');
  return new Fleet(head, { of, text: names.toLowerCase() }, columns);
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at);
  return bytes;
}

async function inflated(bytes: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer> {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  return await new Response(stream).arrayBuffer();
}

function decoded(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function aligned(at: number): number {
  return Math.ceil(at / 4) * 4;
}

function columnIn(
  buffer: ArrayBuffer,
  at: number,
  { about, hosts }: { readonly about: ColumnHead; readonly hosts: number },
): ValueColumn | NumberColumn {
  const { kind, width, bytes, values = [] } = about;
  const head = about;
  if (kind === 'number') return { kind, head, cells: cellsIn(buffer, at, width, hosts) };
  if (kind !== 'many')
    return { kind: 'one', head, values, cells: cellsIn(buffer, at, width, hosts) };
  const counts = new Uint8Array(buffer, at, hosts);
  const starts = new Uint32Array(hosts + 1);
  for (let host = 0; host < hosts; host += 1) {
    starts[host + 1] = (starts[host] ?? 0) + (counts[host] ?? 0);
  }
  const length = (bytes - aligned(hosts)) / width;
  return { kind, head, values, starts, cells: cellsIn(buffer, at + aligned(hosts), width, length) };
}

/** All machines that run a browser are little-endian, as the file is. */
function cellsIn(buffer: ArrayBuffer, at: number, width: 1 | 2 | 4, length: number): Cells {
  if (width === 1) return new Uint8Array(buffer, at, length);
  return width === 2 ? new Uint16Array(buffer, at, length) : new Uint32Array(buffer, at, length);
}
