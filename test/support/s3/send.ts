import type { ServerResponse } from 'node:http';
import type { Fault } from './faults.ts';
import { requestId, type S3Reply } from './reply.ts';

const FILLING = Buffer.alloc(64 * 1024, 'x');

/** Sends the answer with the effect of the fault. */
export function send(
  response: ServerResponse,
  { status, headers, body = Buffer.alloc(0) }: S3Reply,
  { date, fault }: { readonly date: Date; readonly fault: Fault | undefined },
): void {
  const bodiless = response.req.method === 'HEAD' || status === 304 || status === 204;
  const sent = fault?.kind === 'replace-body' ? fault.replace(body) : body;
  response.writeHead(status, {
    ...headers,
    date: date.toUTCString(),
    'x-amz-request-id': requestId(),
    ...(fault?.kind !== 'endless-body' && status !== 304 && { 'content-length': sent.length }),
    ...(fault?.kind === 'headers' && fault.headers),
  });
  if (bodiless) response.end();
  else sendBody(response, sent, fault);
}

function sendBody(response: ServerResponse, body: Buffer, fault: Fault | undefined): void {
  const half = body.subarray(0, Math.floor(body.length / 2));
  // Not destroy(): a reset would discard what the client has not read yet.
  if (fault?.kind === 'cut-body') response.write(half, () => response.socket?.end());
  else if (fault?.kind === 'hang-body') response.write(half);
  else if (fault?.kind === 'trickle-body') trickle(response, body, fault.everyMs);
  else if (fault?.kind === 'endless-body') pour(response);
  else response.end(body);
}

function trickle(response: ServerResponse, body: Buffer, everyMs: number): void {
  let at = 0;
  const timer = setInterval(() => {
    if (at < body.length - 1) response.write(body.subarray(at, at + 1));
    at += 1;
  }, everyMs);
  response.once('close', () => clearInterval(timer));
}

function pour(response: ServerResponse): void {
  while (!response.destroyed && response.write(FILLING));
  if (!response.destroyed) response.once('drain', () => pour(response));
}
