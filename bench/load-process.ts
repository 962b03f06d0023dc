import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Asked, Said, Told } from './load-server.ts';

export const MACHINE = {
  accessKeyId: 'LOADMACHINE000000000',
  secretAccessKey: 'load-machine-secret',
};

type Ready = Extract<Said, { ready: unknown }>['ready'];

/** The server process, as this process uses it. */
export interface LoadServer {
  readonly ready: Promise<Ready>;
  /** In order, from the first call of `sayEvery` on. */
  readonly asked: Asked[];
  publish(version: string): Promise<void>;
  sayEvery(ms: number): void;
  end(): Promise<void>;
}

export function startLoadServer(): LoadServer {
  const program = join(import.meta.dirname, 'load-server.ts');
  const words = [MACHINE.accessKeyId, MACHINE.secretAccessKey];
  // In a separate process group: this process passes on Ctrl-C.
  const child = fork(program, words, { detached: true });
  const asked: Asked[] = [];
  const ready = Promise.withResolvers<Ready>();
  ready.promise.catch(() => undefined);
  let published = Promise.withResolvers<void>();
  child.on('message', (said: Said) => {
    if ('asked' in said) asked.push(said.asked);
    else if ('ready' in said) ready.resolve(said.ready);
    else published.resolve();
  });
  const gone = once(child, 'exit');
  child.on('exit', () => {
    const error = new Error('the S3 server of the load test has ended');
    ready.reject(error);
    published.reject(error);
  });
  const tell = (told: Told): void => void child.send(told);
  return {
    ready: ready.promise,
    asked,
    async publish(version) {
      published = Promise.withResolvers();
      tell({ publish: version });
      await published.promise;
    },
    sayEvery: (ms) => tell({ sayEveryMs: ms }),
    async end() {
      published.promise.catch(() => undefined);
      if (child.connected) tell({ end: true });
      await gone;
    },
  };
}
