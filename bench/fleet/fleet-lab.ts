import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PATH } from '../lab.ts';
import { PLACE, REPORTER, type Said, type Told } from './server.ts';

/** The S3 server with the statuses of a fleet, in a process of its own, and a folder for mm. */
export interface FleetLab extends AsyncDisposable {
  /** Has miyamoto.yaml. Removed at the end. */
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Of `madeStatus`: when the server made them. */
  readonly now: number;
  /** Lets hosts report. Returns the number of requests since the last call. */
  tell(told?: Partial<Told>): Promise<number>;
}

/** Starts it with that many hosts. */
export async function openFleetLab(hosts: number): Promise<FleetLab> {
  const folder = await mkdtemp(join(tmpdir(), 'miyamoto-fleet-'));
  const server = fork(join(import.meta.dirname, 'server.ts'), [String(hosts)]);
  const end = async (): Promise<void> => {
    if (server.connected) server.disconnect();
    await rm(folder, { recursive: true, force: true, maxRetries: 20 });
  };
  try {
    const ready = await next(server);
    if (!('endpoint' in ready)) throw new Error('the S3 server did not start');
    const { endpoint, region, now } = ready;
    const tree = { id: 'bench/fleet', environments: { stable: { ref: 'main' } } };
    const config = {
      bucket: PLACE.bucket,
      s3: { endpoint, region },
      trees: { [PLACE.tree]: tree },
    };
    await writeFile(join(folder, 'miyamoto.yaml'), JSON.stringify(config));
    const { accessKeyId, secretAccessKey } = REPORTER;
    return {
      folder,
      environment: {
        ...{ PATH, HOME: folder, LANG: 'C.UTF-8', AWS_REGION: region },
        ...{ AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
      },
      now,
      async tell({ round = 0, every = 0, objects = {} } = {}) {
        server.send({ round, every, objects } satisfies Told);
        const said = await next(server);
        return 'requests' in said ? said.requests : Number.NaN;
      },
      [Symbol.asyncDispose]: end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}

async function next(server: ReturnType<typeof fork>): Promise<Said> {
  const gone = once(server, 'exit').then(() => {
    throw new Error('the S3 server of the fleet has ended');
  });
  gone.catch(() => undefined);
  const [said] = await Promise.race([once(server, 'message'), gone]);
  return said as Said;
}
