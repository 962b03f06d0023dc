import { HELP } from '../../agent/options.ts';
import { manPage } from '../man-page.ts';
import { type DebPackage, file, source } from './contents.ts';

/** For hosts: the agent, and the service that runs it. */
export const AGENT: DebPackage = {
  name: 'miyamoto-agent',
  program: 'mm-agent',
  libexec: 'usr/libexec/miyamoto',
  control: 'packaging/deb/control',
  scripts: ['postinst', 'prerm', 'postrm'],
  // The administrator's: the package brings the directory and nothing in it.
  directories: ['etc/miyamoto'],
  manual: {
    section: 8,
    page: (release) => manPage({ name: 'mm-agent', section: 8, help: HELP, ...release }),
  },
  others: async () => [
    file('usr/lib/systemd/system/mm-agent.service', await source('systemd/mm-agent.service')),
    file(
      'usr/share/doc/miyamoto-agent/examples/agent.yaml',
      await source('packaging/deb/agent.yaml.example'),
    ),
  ],
};
