import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { StatusDocument } from '../../bucket/documents/status.ts';
import type { Box } from './box.ts';
import type { Fleet } from './fleet.ts';

export const UNIT = 'mm-agent.service';

/** The agent's service in a box, and what it reports. */
export interface BoxHost {
  /** Writes a file of the box, with its directory. */
  place(path: string, text: string): Promise<void>;
  /** The properties of the service. */
  show(): Promise<Readonly<Record<string, string | undefined>>>;
  mainPid(): Promise<string>;
  journal(): Promise<string>;
  runNow(): Promise<void>;
  /** Publishes and starts a run that lasts until {@link completeRun}. */
  startRun(name: string): Promise<void>;
  /** Lets the run end, and waits until its outcome is reported. */
  completeRun(name: string): Promise<void>;
  /** Waits for a status document that fulfils the condition. */
  reported(says: (status: StatusDocument) => boolean | undefined): Promise<StatusDocument>;
  /** Tries until it does not throw; after two minutes with the last error and the journal. */
  eventually<T>(what: string, attempt: () => Promise<T>): Promise<T>;
}

export function boxHost(box: Box, fleet: Fleet): BoxHost {
  const host: BoxHost = {
    async place(path, text) {
      const directory = await mkdtemp(join(tmpdir(), 'miyamoto-place-'));
      try {
        await writeFile(join(directory, 'file'), text);
        await box.exec('mkdir', '-p', dirname(path));
        await box.push(join(directory, 'file'), path);
      } finally {
        await rm(directory, { recursive: true });
      }
    },
    async show() {
      const text = await box.exec('systemctl', 'show', UNIT);
      return Object.fromEntries(text.split('\n').map((line) => line.split(/=(.*)/s)));
    },
    async mainPid() {
      const { MainPID = '0' } = await host.show();
      assert.notEqual(MainPID, '0');
      return MainPID;
    },
    journal: () => box.exec('journalctl', '--no-pager', '--unit', UNIT),
    async runNow() {
      await box.exec('systemctl', 'kill', '--kill-whom=main', '--signal=USR1', UNIT);
    },
    async startRun(name) {
      await fleet.publish(`exec { '${name}':
        command  => 'touch ${name}-started; until test -e ${name}-go; do sleep 0.1; done; touch ${name}',
        creates  => '/root/${name}',
        cwd      => '/root',
        provider => shell,
      }\n`);
      await host.runNow();
      await host.eventually('the run is under way', () => box.sh(`test -e /root/${name}-started`));
    },
    async completeRun(name) {
      await box.exec('touch', `/root/${name}-go`);
      const changed = `Exec[${name}]`;
      const { run } = await host.reported(({ run }) => run?.changedResources.includes(changed));
      assert.deepEqual([run?.status, run?.exitCode], ['changed', 2]);
    },
    reported: (says) =>
      host.eventually('the status in the bucket says so', async () => {
        const status = fleet.status();
        assert.ok(status && says(status), JSON.stringify(status?.run));
        return status;
      }),
    async eventually(what, attempt) {
      for (const end = Date.now() + 120_000; ; await delay(200)) {
        try {
          return await attempt();
        } catch (cause) {
          if (Date.now() > end) throw new Error(`not: ${what}\n${await host.journal()}`, { cause });
        }
      }
    },
  };
  return host;
}
