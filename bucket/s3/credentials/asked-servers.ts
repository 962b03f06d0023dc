import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ClientRequest, IncomingMessage } from 'node:http';

/** The last answer of a server during one look-up of credentials. */
interface Asked {
  last: string | undefined;
}

const lookUps = new AsyncLocalStorage<Asked>();
const asked = new WeakMap<ClientRequest, Asked>();

/**
 * Runs a look-up of credentials, and adds to its error the last answer of a server: the endpoint of
 * a container, or the instance metadata service. The SDK drops that answer and only says that no
 * provider has credentials. Its providers send these requests with the HTTP client of Node, whose
 * diagnostics channels publish the answers.
 */
export async function withLastAnswer<T>(lookUp: () => Promise<T>): Promise<T> {
  const mine: Asked = { last: undefined };
  const ends = Object.entries(CHANNELS).map(([name, listener]) => {
    subscribe(name, listener);
    return () => unsubscribe(name, listener);
  });
  try {
    return await lookUps.run(mine, lookUp);
  } catch (error) {
    if (mine.last !== undefined && error instanceof Error) error.message += ` (${mine.last})`;
    throw error;
  } finally {
    for (const end of ends) end();
  }
}

const CHANNELS: Readonly<Record<string, (message: unknown) => void>> = {
  'http.client.request.start': (message) => {
    const store = lookUps.getStore();
    if (store !== undefined) asked.set((message as Sent).request, store);
  },
  'http.client.response.finish': (message) => {
    const { request, response } = message as Sent & { readonly response: IncomingMessage };
    note(request, `answered ${response.statusCode}`);
  },
  'http.client.request.error': (message) => {
    const { request, error } = message as Sent & { readonly error: NodeJS.ErrnoException };
    note(request, `cannot be reached: ${error.code ?? error.message}`);
  },
};

interface Sent {
  readonly request: ClientRequest;
}

function note(request: ClientRequest, words: string): void {
  const store = asked.get(request);
  const path = request.path.replace(/\?.*/, '');
  if (store !== undefined) {
    store.last = `${request.protocol}//${request.getHeader('host') ?? request.host}${path} ${words}`;
  }
}
