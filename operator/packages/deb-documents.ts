import { type ConfigFile, type ConfigPackage, FILE_TIME, MAINTAINER } from './config-package.ts';
import { gzip } from './gzip.ts';

/** What Debian's policy wants in every package, beside its purpose. */
export function debDocuments({ name, version }: ConfigPackage): ConfigFile[] {
  const folder = `/usr/share/doc/${name}`;
  const date = new Date(FILE_TIME * 1000).toUTCString().replace('GMT', '+0000');
  const changelog = `${name} (${version}) unstable; urgency=medium

  * The version of the root, and that of the timestamp.

 -- ${MAINTAINER}  ${date}
`;
  return [
    { path: `${folder}/changelog.gz`, content: gzip(Buffer.from(changelog)) },
    { path: `${folder}/copyright`, content: Buffer.from(COPYRIGHT) },
    {
      path: `/usr/share/lintian/overrides/${name}`,
      content: Buffer.from(OVERRIDES.replaceAll('@PACKAGE@', name)),
    },
  ];
}

const COPYRIGHT = `The files in /etc/miyamoto belong to the operators of the tree. The script of this package is a
part of Miyamoto, Copyright 2026 the Miyamoto authors, under the MIT licence, which Debian calls
Expat: https://opensource.org/license/mit
`;

const OVERRIDES = `# is-enabled: deb-systemd-invoke does not have it.
@PACKAGE@: maintainer-script-calls-systemctl *
`;
