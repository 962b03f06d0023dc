import { commandManPage } from '../command-man-page.ts';
import { executable, source } from '../contents/files.ts';
import { mmCommands } from '../contents/mm-commands.ts';
import type { LinuxPackage } from './linux-package.ts';

/** For operators and CI: mm, with its manual page and its completions. */
export const OPERATOR: LinuxPackage = {
  name: 'miyamoto',
  program: 'mm',
  libexec: 'usr/libexec/miyamoto-operator',
  directories: [],
  manual: { section: 1, page: (release) => commandManPage(mmCommands(), release) },
  commands: mmCommands,
  others: async () => [
    executable(
      'usr/share/doc/miyamoto/examples/apt-repository',
      await source('examples/apt-repository'),
    ),
  ],
  deb: { control: 'control-operator', scripts: [], overrides: ['lintian-overrides'] },
  rpm: { spec: 'miyamoto.spec' },
};
