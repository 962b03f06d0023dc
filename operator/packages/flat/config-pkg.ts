import { basename } from 'node:path';
import { type ConfigPackage, FILE_TIME } from '../config-package.ts';
import { flatPackage } from './flat-package.ts';

/** All sites have one identifier: a Mac has only one of them. */
const IDENTIFIER = 'com.github.miyamoto.site';
const FOLDER = 'usr/local/miyamoto/site';

/**
 * A package for any Mac. macOS has no configuration files of a package, and would replace what was
 * changed on the Mac. So the files of the package are copies, and a script brings them to their
 * places. The same input gives the same bytes.
 */
export function pkgPackage({ version, summary, files, afterwards }: ConfigPackage): Buffer {
  const paths = files.map(({ path }) => path);
  return flatPackage({
    identifier: IDENTIFIER,
    version,
    title: summary,
    items: files.map(({ path, content }) => {
      return { path: `${FOLDER}/${basename(path)}`, mode: 0o644, content };
    }),
    scripts: {
      postinstall: [PLACE, ...paths.map((path) => `place ${path}`), afterwards].join('\n'),
    },
    time: FILE_TIME,
  });
}

/** Another disk is that of another Mac. `placed` has what this script has copied before. */
const PLACE = `set -eu
umask 022
[ "$3" = / ] || { echo 'install it on the disk that this Mac has started from' >&2; exit 1; }
site=/${FOLDER}
mkdir -p "$site/placed"
# place PATH: unless somebody has changed the file
place() {
  name=\${1##*/}
  if [ ! -e "$1" ] || cmp -s "$1" "$site/placed/$name"; then
    mkdir -p "\${1%/*}"
    cp "$site/$name" "$1.new"
    mv "$1.new" "$1"
  elif ! cmp -s "$1" "$site/$name"; then
    echo "$1 was changed on this Mac, and stays; the new one is $site/$name" >&2
  fi
  cp "$site/$name" "$site/placed/$name"
}`;
