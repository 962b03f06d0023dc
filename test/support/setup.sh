#!/bin/sh
# setup.sh [PART...] - the npm scripts call it first; it returns at once when nothing is missing.
#   always    the npm packages as package-lock.json says; any Node with npm 7 or newer works:
#             they contain the pinned one, which is linked as node_modules/.bin/node, and all npm
#             scripts run on it
#   puppet git ssh ps
#             these programs, by apt where they are missing; Puppet looks at services with ps
#   control-repos
#             r10k, g10k, git-lfs and puppet-lint, by apt where they are missing
#   archives  programs that read packages for Macs: 7z, cpio, xmllint
#   packages  the programs that make packages for each architecture
#   boxes     the same, those that look for mistakes in packages, and those that start a real
#             systemd in a throw-away container, or a program of another architecture
#   chromium  a browser, and a font for it
#   programs  the bundles of the current sources, in dist/
set -eu
cd "$(dirname "$0")/../.."

say() { echo "setup: $*" >&2; }
fail() {
  say "$*"
  exit 1
}
seconds_since() { echo $(($(date +%s) - $1)); }

# What is installed. The platform, because a folder that was copied from another machine holds that
# machine's programs; npm's own list, because a later npm command may have removed packages.
installed() {
  echo "$(uname -sm) $(cksum <package-lock.json) $(cat node_modules/.package-lock.json 2>/dev/null | cksum)"
}

npm_packages() {
  stamp=node_modules/.setup-stamp
  if [ "$(cat "$stamp" 2>/dev/null)" = "$(installed)" ]; then
    if [ -x node_modules/.bin/node ] || link_node; then return; fi
  fi
  command -v npm >/dev/null || fail 'npm is missing, 7 or newer is needed (Debian: apt-get install npm)'
  version=$(npm --version) || fail 'npm does not start'
  # Lockfile version 3 is unknown to older ones.
  [ "${version%%.*}" -ge 7 ] || fail "this is npm $version, 7 or newer is needed"
  writable
  say 'installing npm packages as package-lock.json says (npm ci --ignore-scripts)'
  start=$(date +%s)
  set -- ci --ignore-scripts --no-fund --no-audit --loglevel=error
  # A user's npmrc and NODE_ENV can turn these off.
  set -- "$@" --include=dev --include=optional --bin-links --no-engine-strict
  cache=$(npm config get cache)
  temporary=
  if ! mkdir -p "$cache" 2>/dev/null || [ ! -w "$cache" ]; then # HOME is read-only, or not there
    temporary=$(mktemp -d)
    set -- "$@" --cache="$temporary"
  fi
  status=0
  words=$(npm "$@" 2>&1) || status=$?
  [ -z "$temporary" ] || rm -rf "$temporary"
  [ "$status" = 0 ] || fail "npm $version failed with exit status $status, and its last words are:
$(echo "$words" | tail -n 25)"
  link_node || fail "npm $version brought no Node that starts on $(uname -sm); the platforms are the optionalDependencies in
package.json${words:+:
$words}"
  installed >"$stamp"
  say "npm packages are there after $(seconds_since "$start") s"
}

user() { id -un 2>/dev/null || id -u; }

writable() { [ -w . ] || fail "$(user) cannot write in $PWD; use a checkout that belongs to this user"; }

# Npm before 11.6 installs the pinned Node of this platform, and then removes its link together with
# those of the other platforms' packages, which have the same name.
link_node() {
  words=
  for node in node_modules/node-*/bin/node; do
    if [ ! -e "$node" ]; then continue; fi
    if ! words=$("$node" --version 2>&1); then continue; fi
    mkdir -p node_modules/.bin
    ln -sfn "../${node#node_modules/}" node_modules/.bin/node
    return 0
  done
  return 1
}

# Adds packages to $missing unless all commands of a purpose are there; apt takes the first
# alternative that it knows.
# needs 'COMMAND...' 'PACKAGE[ | PACKAGE]...'
needs() {
  for command in $1; do
    if command -v "$command" >/dev/null || [ -x "/opt/puppetlabs/bin/$command" ] || [ -x "/usr/sbin/$command" ]; then
      continue
    fi
    missing="${missing:+$missing, }$2"
    return 0
  done
}

# install 'PACKAGE[ | PACKAGE], ...'
install() {
  if [ "$(id -u)" = 0 ]; then as_root=''; else as_root='sudo -n'; fi
  if ! command -v apt-get >/dev/null || ! $as_root true 2>/dev/null; then
    say "$(user) may not install what is missing here; root can, with"
    say "  apt-get satisfy --no-install-recommends '$1'"
    say 'On systems without apt, their own packages of these do, Puppet 7, 8 or OpenVox among them.'
    exit 1
  fi
  say "installing by apt: $1"
  start=$(date +%s)
  status=0
  words=$($as_root sh -eu -s "$1" 2>&1 <<'AS_ROOT'
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then # no service may start by being installed
      trap 'rm -f "$policy"' EXIT
      trap 'exit 1' HUP INT TERM
      printf '#!/bin/sh\nexit 101\n' >"$policy"
      chmod 755 "$policy"
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq || : # a repository that is gone need not be the one that is needed
    apt-get satisfy -y -qq --no-install-recommends -o DPkg::Lock::Timeout=300 "$1" </dev/null
AS_ROOT
  ) || status=$?
  [ "$status" = 0 ] || fail "apt-get failed with exit status $status, and its last words are:
$(echo "$words" | tail -n 25)"
  say "installed after $(seconds_since "$start") s"
}

packers() {
  needs 'x86_64-linux-gnu-strip aarch64-linux-gnu-strip' 'binutils-x86-64-linux-gnu, binutils-aarch64-linux-gnu'
  needs rpmbuild rpm
}

missing=
for part in "$@"; do
  case $part in
  puppet)
    needs puppet 'puppet-agent | openvox-agent'
    needs facter 'facter | openfact'
    ;;
  git) needs git git ;;
  ssh) needs 'ssh-agent ssh-add ssh-keygen' openssh-client ;;
  ps) needs ps procps ;;
  archives) needs '7z cpio xmllint' 'p7zip-full | 7zip, cpio, libxml2-utils' ;;
  packages) packers ;;
  control-repos)
    grep -qs '^VERSION_CODENAME=forky' /etc/os-release || needs r10k r10k # forky has none
    needs g10k g10k
    needs git-lfs git-lfs
    needs puppet-lint puppet-lint
    ;;
  boxes)
    packers
    needs '7z cpio' 'p7zip-full | 7zip, cpio'
    needs 'systemd-nspawn debootstrap shellcheck' 'systemd-container, debootstrap, shellcheck'
    needs 'lintian rpmlint' 'lintian, rpmlint'
    needs qemu-aarch64 'qemu-user, libc6-arm64-cross, libstdc++6-arm64-cross, libgcc-s1-arm64-cross'
    ;;
  chromium) needs chromium 'chromium, fonts-liberation' ;;
  programs) ;;
  *)
    say "unknown part '$part': expected puppet, git, ssh, ps, archives, packages, control-repos, boxes, chromium or programs"
    exit 2
    ;;
  esac
done
# System packages come first: when they cannot be installed, the script fails at once.
[ -z "$missing" ] || install "$missing"
npm_packages
case " $* " in *' programs '*)
  writable
  node_modules/.bin/node packaging/build.ts >/dev/null
  ;;
esac
