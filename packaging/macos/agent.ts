import { HELP } from '../../agent/help.ts';
import { executable, file, source } from '../contents/files.ts';
import { manPage } from '../man-page.ts';
import type { MacPackage } from './pkg.ts';

const FOLDER = 'usr/local/miyamoto';

/** For hosts: the agent, and the job of launchd that runs it. */
export const AGENT: MacPackage = {
  name: 'miyamoto-agent',
  title: 'Miyamoto agent',
  identifier: 'com.github.miyamoto.agent',
  program: 'mm-agent',
  folder: FOLDER,
  // On a Mac, /etc and /var are links to these.
  directories: ['private/etc/miyamoto', 'private/var/log/miyamoto'],
  manual: {
    section: 8,
    page: (release) => manPage({ name: 'mm-agent', section: 8, help: HELP, ...release }),
  },
  others: async () => [
    executable(`${FOLDER}/mm-agent-daemon`, await source('launchd/mm-agent-daemon')),
    executable(`${FOLDER}/uninstall`, await source('packaging/macos/uninstall-agent')),
    ...(await Promise.all(EXAMPLES.map(example))),
    file(
      'Library/LaunchDaemons/com.github.miyamoto.agent.plist',
      await source('launchd/com.github.miyamoto.agent.plist'),
    ),
    file('private/etc/newsyslog.d/miyamoto.conf', await source('launchd/miyamoto.newsyslog.conf')),
  ],
  postinstall: 'packaging/macos/postinstall-agent',
};

const EXAMPLES = ['agent.yaml', 'background.mobileconfig', 'full-disk-access.mobileconfig'];

async function example(name: string) {
  return file(`${FOLDER}/examples/${name}`, await source(`packaging/macos/examples/${name}`));
}
