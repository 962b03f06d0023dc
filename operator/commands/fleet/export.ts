import { asciiJson } from '../../../shared/clean-text.ts';
import { counted } from '../../../shared/counted.ts';
import type { CommonOptions, Context, ListAnswer } from '../../context.ts';
import {
  factsCommand,
  nestedFacts,
  type PuppetDbCommand,
  reportCommand,
} from '../../fleet/puppetdb.ts';
import type { FleetStore } from '../../fleet/store.ts';
import { storedStatuses } from '../../fleet/stored-hosts.ts';
import { withStore } from './open-store.ts';

/**
 * `mm fleet export puppetdb`: the copy as commands of PuppetDB, one in each line. Throws
 * STATE_MISSING.
 */
export async function exportPuppetDb(
  context: Context,
  options: CommonOptions,
  print: (answer: ListAnswer<PuppetDbCommand>) => Promise<void>,
): Promise<void> {
  await withStore(context, options, async ({ config, store, syncedAt }) => {
    let hosts = 0;
    let unreadable = 0;
    async function* entries(): AsyncGenerator<PuppetDbCommand> {
      for await (const commands of commandsOf(store)) {
        if (commands.length === 0) unreadable += 1;
        else hosts += 1;
        yield* commands;
      }
    }
    await print({
      head: {
        ...{ schemaVersion: 1, bucket: config.bucket, tree: config.tree },
        syncedAt: new Date(syncedAt).toISOString(),
      },
      name: 'commands',
      entries: entries(),
      async *lines(commands) {
        for await (const command of commands) yield asciiJson(command);
      },
      isJudged: false,
      end: () => ({
        document: { hosts, unreadable },
        notices: [`exported ${counted(hosts, 'host')}; ${unreadable} cannot be read`],
      }),
    });
  });
}

/** The commands of each host. A host that cannot be read has no commands. */
async function* commandsOf(store: FleetStore): AsyncGenerator<readonly PuppetDbCommand[]> {
  for await (const { receivedAt, status } of storedStatuses(store)) {
    if (status === undefined) {
      yield [];
      continue;
    }
    const { run, facts } = status;
    const commands = [factsCommand(status, nestedFacts(facts), receivedAt)];
    // PuppetDB has reports of runs only.
    if (run !== null && run.status !== 'skipped')
      commands.push(reportCommand({ ...status, run }, receivedAt));
    yield commands;
  }
}
