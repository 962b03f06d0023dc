import type { Agent } from 'node:https';
import type { PeerCertificate, TLSSocket } from 'node:tls';
import { printable } from '../../../shared/clean-text.ts';
import { isTrustComplete, isUnknownAuthority } from './trust-store.ts';

/** Time limit of the second connection, in ms. Its only purpose is a better message. */
const LIMIT_MS = 5000;

/** A server, and the Node agent that connects to it, through a proxy if there is one. */
export interface AskedServer {
  readonly hostname: string;
  readonly port: string | undefined;
  readonly agent: Agent;
}

/**
 * Adds the subject and the issuer of the certificate to the message of a TLS error. Node closes the
 * connection before the certificate of an unknown authority can be read. Therefore this function
 * reads it on a second connection, which sends nothing but a host name. It does nothing while more
 * authorities can be trusted, because the request is then repeated. Never throws.
 */
export async function nameCertificate(error: unknown, server: AskedServer): Promise<void> {
  if (!(error instanceof Error)) return;
  if (isUnknownAuthority(error) && !isTrustComplete()) return;
  const certificate =
    'cert' in error
      ? (error.cert as PeerCertificate)
      : 'code' in error && /CERT|UNABLE_TO_/.test(String(error.code))
        ? await presentedBy(server)
        : undefined;
  if (certificate?.subject === undefined) return;
  const { subject, issuer } = certificate;
  // Without Node's advice about its own options.
  const words = error.message.replace(/; if the root CA .*$/s, '');
  error.message = `${words}; it is for "${named(subject)}", issued by "${named(issuer)}"`;
}

async function presentedBy({
  agent,
  ...server
}: AskedServer): Promise<PeerCertificate | undefined> {
  const https = process.getBuiltinModule('node:https');
  const { promise, resolve } = Promise.withResolvers<PeerCertificate | undefined>();
  // The server is not trusted: the request contains no secret, and its answer is used for a message
  // only.
  const request = https.request({
    ...server,
    agent,
    method: 'HEAD',
    rejectUnauthorized: false,
    timeout: LIMIT_MS,
  });
  const read = (socket: TLSSocket) => {
    resolve(socket.getPeerCertificate());
    request.destroy();
  };
  request
    .on('socket', (socket) => {
      const secured = socket as TLSSocket;
      // Behind a proxy the socket is connected already.
      if ('subject' in secured.getPeerCertificate()) read(secured);
      else secured.once('secureConnect', () => read(secured));
    })
    .on('timeout', () => request.destroy())
    .on('error', () => resolve(undefined))
    .on('close', () => resolve(undefined));
  request.end();
  return await promise;
}

/** `CN=s3.example.com, O=Example`. The server wrote it. */
function named(name: PeerCertificate['subject']): string {
  const parts = Object.entries(name).map(([key, value]) => `${key}=${[value].flat().join('+')}`);
  return printable(parts.reverse().join(', '), 80);
}
