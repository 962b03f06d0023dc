import { CodedError } from '../../shared/coded-error.ts';
import type { SettingsAnswer } from '../io/daemon/settings-child.ts';
import type { Options } from '../options.ts';
import { openHost } from './open-host.ts';

/**
 * `mm-agent --settings`: prints the checked configuration as JSON for the daemon, or its mistakes.
 */
export async function settings(options: Options): Promise<number> {
  process.stdout.write(`${JSON.stringify(await answer(options))}\n`);
  return 0;
}

async function answer(options: Options): Promise<SettingsAnswer> {
  try {
    const { config, identity } = await openHost(options);
    const { parseCron } = await import('../config/parse-cron.ts');
    const { poll, apply } = config.schedule;
    const expressions = [poll, apply].filter((text) => text !== 'never' && text !== 'boot');
    const cronFields = Object.fromEntries(expressions.map((text) => [text, parseCron(text)]));
    return { config, identity, cronFields };
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    const { code, message, next } = error;
    return { error: { code, message, next } };
  }
}
