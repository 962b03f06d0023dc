import { SHELLS } from '../../operator/cli/completion.ts';
import { commandManPage } from '../command-man-page.ts';
import { executable, file, source } from '../contents/files.ts';
import { mmCommands } from '../contents/mm-commands.ts';
import type { Format, LinuxPackage } from './linux-package.ts';

/** For operators and CI: mm, with its manual page and its completions. */
export const OPERATOR: LinuxPackage = {
  name: 'miyamoto',
  program: 'mm',
  libexec: 'usr/libexec/miyamoto-operator',
  directories: [],
  manual: { section: 1, page: (release) => commandManPage(mmCommands(), release) },
  others: async (format) => {
    const commands = mmCommands();
    return [
      file('usr/share/bash-completion/completions/mm', SHELLS.bash(commands)),
      file(`${ZSH[format]}/_mm`, SHELLS.zsh(commands)),
      executable(`${EXAMPLES}/apt-repository`, await source('examples/apt-repository')),
      file('usr/share/fish/vendor_completions.d/mm.fish', SHELLS.fish(commands)),
    ];
  },
  deb: { control: 'control-operator', scripts: [], overrides: ['lintian-overrides'] },
  rpm: { spec: 'miyamoto.spec' },
};

const EXAMPLES = 'usr/share/doc/miyamoto/examples';

const ZSH: Readonly<Record<Format, string>> = {
  deb: 'usr/share/zsh/vendor-completions',
  rpm: 'usr/share/zsh/site-functions',
};
