import { commandManPage } from '../command-man-page.ts';
import { executable, source } from '../contents/files.ts';
import { mmCommands } from '../contents/mm-commands.ts';
import type { MacPackage } from './pkg.ts';

const FOLDER = 'usr/local/miyamoto-operator';

/** For operators: mm, with its manual page. `mm completion` prints what a shell wants. */
export const OPERATOR: MacPackage = {
  name: 'miyamoto',
  title: 'Miyamoto',
  identifier: 'com.github.miyamoto.operator',
  program: 'mm',
  folder: FOLDER,
  directories: [],
  manual: { section: 1, page: (release) => commandManPage(mmCommands(), release) },
  others: async () => [
    executable(`${FOLDER}/uninstall`, await source('packaging/macos/uninstall-operator')),
  ],
};
