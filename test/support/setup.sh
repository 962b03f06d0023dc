#!/bin/sh
# setup.sh [puppet] [ssh] [boxes] - what README's commands call first; does nothing, in no time, when all is there.
#   always   the npm packages as package-lock.json says; any Node with npm 8 or newer will do, they bring the pinned one
#   puppet   Puppet and Facter, by apt where they are missing
#   boxes    what packs a deb and starts a real systemd in a throw-away container
set -eu
cd "$(dirname "$0")/../.."

say() { echo "setup: $*" >&2; }
seconds_since() { echo $(($(date +%s) - $1)); }

npm_packages() {
  # The platform too: a folder that was copied from another machine holds another machine's programs.
  want="$(uname -sm) $(cksum <package-lock.json)"
  stamp=node_modules/.setup-stamp
  if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$want" ]; then return; fi
  say 'installing npm packages as package-lock.json says (npm ci --ignore-scripts)'
  start=$(date +%s)
  if ! npm ci --ignore-scripts --no-fund --no-audit --loglevel=error >&2; then
    say "npm ci failed, see above; this is npm $(npm --version), 8 or newer is wanted"
    exit 1
  fi
  node_modules/.bin/node --version >/dev/null || {
    say "the pinned Node does not start; its packages are the optionalDependencies of package.json"
    exit 1
  }
  echo "$want" >"$stamp"
  say "npm packages are there after $(seconds_since "$start") s"
}

# apt_packages PURPOSE PACKAGE...
apt_packages() {
  purpose=$1
  shift
  if [ "$(id -u)" = 0 ]; then as_root=''; else as_root='sudo -n'; fi
  if ! command -v apt-get >/dev/null || ! $as_root true 2>/dev/null; then
    say "$purpose is missing, and this user may not install it; wanted, as root:"
    say "  apt-get install --no-install-recommends $*"
    if [ "$(uname)" = Darwin ]; then say "on a Mac: the package of OpenVox or Puppet, 7 or newer"; fi
    exit 1
  fi
  say "installing $* by apt"
  start=$(date +%s)
  $as_root sh -eu -s "$@" >&2 <<'AS_ROOT'
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then # no service may start by being installed
      trap 'rm -f "$policy"' EXIT
      trap 'exit 1' HUP INT TERM
      printf '#!/bin/sh\nexit 101\n' >"$policy"
      chmod 755 "$policy"
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "$@" </dev/null >/dev/null
AS_ROOT
  say "$* installed after $(seconds_since "$start") s"
}

have() { command -v "$1" >/dev/null || [ -x "/opt/puppetlabs/bin/$1" ] || [ -x "/usr/sbin/$1" ]; }

npm_packages
for part in "$@"; do
  case $part in
  puppet) have puppet && have facter || apt_packages Puppet puppet-agent facter ;;
  ssh) have ssh-agent && have ssh-keygen || apt_packages ssh-agent openssh-client ;;
  boxes)
    have systemd-nspawn && have debootstrap && have strip ||
      apt_packages 'a container with systemd' systemd-container debootstrap binutils
    ;;
  *)
    say "unknown part '$part': expected puppet, ssh or boxes"
    exit 2
    ;;
  esac
done
