import { HELP } from '../../agent/help.ts';
import { executable, file, type PackageFile, source } from '../contents/files.ts';
import { manPage } from '../man-page.ts';
import { agentCommands } from './agent-commands.ts';
import type { LinuxPackage } from './linux-package.ts';

const HOOKS = ['mail-log', 'repair-dpkg', 'slack', 'worker-sentinel'];

async function exampleHook(name: string): Promise<PackageFile> {
  const path = `usr/share/doc/miyamoto-agent/examples/hooks/${name}`;
  return executable(path, await source(`examples/hooks/${name}`));
}

/** For hosts: the agent, and the service that runs it. */
export const AGENT: LinuxPackage = {
  name: 'miyamoto-agent',
  program: 'mm-agent',
  libexec: 'usr/libexec/miyamoto',
  // For the administrator: the package contains the empty directory.
  directories: ['etc/miyamoto'],
  manual: {
    section: 8,
    page: (release) => manPage({ name: 'mm-agent', section: 8, help: HELP, ...release }),
  },
  commands: agentCommands,
  others: async (format) => [
    ...(format === 'rpm' ? [file(PRESET, await source('packaging/rpm/mm-agent.preset'))] : []),
    file('usr/lib/systemd/system/mm-agent.service', await source('systemd/mm-agent.service')),
    file(
      'usr/lib/systemd/system/mm-agent-boot.service',
      await source('systemd/mm-agent-boot.service'),
    ),
    file(
      'usr/share/doc/miyamoto-agent/examples/agent.yaml',
      await source('packaging/linux/agent.yaml.example'),
    ),
    ...(await Promise.all(HOOKS.map(exampleHook))),
  ],
  deb: {
    control: 'control',
    scripts: ['postinst', 'prerm', 'postrm'],
    overrides: ['lintian-overrides', 'lintian-overrides-agent'],
  },
  rpm: { spec: 'miyamoto-agent.spec' },
};

const PRESET = 'usr/lib/systemd/system-preset/80-mm-agent.preset';
