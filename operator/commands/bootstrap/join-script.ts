import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { shellWord } from '../../../shared/shell-word.ts';
import type { ConfigFile } from '../../packages/config-package.ts';
import type { AgentPackage } from './agent-packages.ts';

export interface Joining {
  readonly bucket: string;
  readonly tree: string;
  readonly region: string | undefined;
  readonly endpoint: string | undefined;
  /** The trust root comes last. */
  readonly files: readonly ConfigFile[];
  readonly agents: readonly AgentPackage[];
}

/**
 * The script with which a host joins a tree, for any sh. It can run again. The files come before
 * the package, which starts the agent when it finds them; the trust root comes last, so that a host
 * with a root has everything. The text is printable ASCII, whatever the files contain.
 */
export function joinScript(joining: Joining): string {
  const { bucket, tree, files, agents } = joining;
  return [
    '#!/bin/sh',
    `# Joins this host to tree ${tree} of s3://${bucket}. Made by mm bootstrap; it contains no secret.`,
    HEAD,
    ...(agents.length === 0 ? [] : [choice(joining), DOWNLOAD]),
    FILES,
    ...files.map(placed),
    'fi',
    '',
    agents.length === 0 ? PRESENT : INSTALL,
    START,
  ].join('\n');
}

const HEAD = `set -eu
umask 022
PATH=$PATH:/usr/local/bin:/usr/sbin:/sbin

say() { echo "miyamoto: $*" >&2; }
fail() {
  say "$*"
  exit 1
}
[ "$(id -u)" = 0 ] || fail 'wanted root'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# verify FILE SHA256
verify() {
  if command -v sha256sum >/dev/null; then found=$(sha256sum "$1"); else found=$(shasum -a 256 "$1"); fi
  [ "\${found%% *}" = "$2" ] || fail "\${1##*/}: wanted sha256 $2, found \${found%% *}"
}
`;

/** Sets `package`, `url` and `digest` for this host. */
function choice({ agents, region, endpoint }: Joining): string {
  const s3 = [
    ...(region === undefined ? [] : ['--region', region]),
    ...(endpoint === undefined ? [] : ['--endpoint-url', endpoint]),
  ];
  return [
    '# A Mac may have dpkg, too; and a program for Intel that runs this would name its own kind.',
    'if [ "$(uname -s)" = Darwin ]; then',
    '  kind=pkg-$(uname -m)',
    '  [ "$(sysctl -n hw.optional.arm64 2>/dev/null)" != 1 ] || kind=pkg-arm64',
    'elif command -v dpkg >/dev/null; then',
    '  kind=deb-$(dpkg --print-architecture)',
    'else',
    '  kind=rpm-$(uname -m)',
    'fi',
    'case $kind in',
    ...agents.flatMap(({ kind, fileName, url, sha256 }) => [
      `${kind})`,
      `  package=${shellWord(fileName)}`,
      `  url=${shellWord(url)}`,
      `  digest=${sha256}`,
      '  ;;',
    ]),
    `*) fail "there is a package for ${agents.map(({ kind }) => kind).join(', ')}, and this host needs $kind" ;;`,
    'esac',
    '',
    '# fetch_s3 URL FILE: as the role of this instance',
    `fetch_s3() { aws s3 cp --only-show-errors ${s3.map(shellWord).join(' ')} "$1" "$2"; }`,
    '',
  ].join('\n');
}

const DOWNLOAD = `# download URL FILE
download() {
  case $1 in
  s3://*)
    command -v aws >/dev/null || fail 'aws is missing: install it, or give mm bootstrap a URL'
    fetch_s3 "$1" "$2"
    ;;
  *)
    if command -v curl >/dev/null; then
      curl --fail --silent --show-error --location --retry 5 --output "$2" "$1"
    elif command -v wget >/dev/null; then
      wget --quiet --output-document="$2" "$1"
    else
      /usr/lib/apt/apt-helper download-file "$1" "$2" >/dev/null
    fi
    ;;
  esac
}
download "$url" "$work/$package"
verify "$work/$package" "$digest"
`;

const FILES = `mkdir -p /etc/miyamoto
# place NAME SHA256
place() {
  verify "$work/$1" "$2"
  cp "$work/$1" "/etc/miyamoto/.$1.new"
  chmod 644 "/etc/miyamoto/.$1.new"
  mv "/etc/miyamoto/.$1.new" "/etc/miyamoto/$1"
}
if [ -e /etc/miyamoto/root.json ]; then
  say 'this host has a trust root: its files in /etc/miyamoto stay'
else`;

/**
 * In base64: a writer of the bucket can add unsigned fields to timestamp.json and to a root, and
 * U+2028 in one of them ends a line for the YAML parser of cloud-init.
 */
function placed({ path, content }: ConfigFile): string {
  const name = basename(path);
  const digest = createHash('sha256').update(content).digest('hex');
  const lines = content.toString('base64').replaceAll(/.{76}(?=.)/g, '$&\n');
  return `base64 --decode >"$work/${name}" <<'END'\n${lines}\nEND\nplace ${name} ${digest}`;
}

const PRESENT = `command -v mm-agent >/dev/null || [ -e /usr/local/miyamoto/mm-agent.mjs ] ||
  fail 'mm-agent is not installed: give mm bootstrap a package with --agent'
`;

const INSTALL = `case $kind in
deb-*)
  export DEBIAN_FRONTEND=noninteractive
  apt-get -qq -o DPkg::Lock::Timeout=300 update || say 'apt-get update failed'
  apt-get -qq -y -o DPkg::Lock::Timeout=300 install "$work/$package" >/dev/null
  ;;
rpm-*) if command -v dnf >/dev/null; then dnf -q -y install "$work/$package"; else yum -q -y install "$work/$package"; fi ;;
pkg-*) installer -pkg "$work/$package" -target / ;;
esac
`;

const START = `if [ "$(uname -s)" = Darwin ]; then
  job=system/com.github.miyamoto.agent
  launchctl kill SIGHUP "$job" 2>/dev/null || launchctl kickstart "$job" || say 'launchd did not start the agent'
elif command -v systemctl >/dev/null; then
  systemctl enable --quiet mm-agent.service
  systemctl start mm-agent.service
fi
say 'joined; mm-agent status shows what the agent did'
`;
