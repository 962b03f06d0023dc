#!/bin/bash
# systemd-box.sh - a real systemd (PID 1) in a throw-away container, without systemd on the host.
# Needs root.
#   make  SUITE [PACKAGE...]       debootstrap a template (bookworm, trixie, forky) once, and
#                                  one more with the packages
#   up    NAME SUITE [PACKAGE...]  boot a pristine overlay of that template; it shares the
#                                  network of the host
#   again NAME                     power it off and boot it again, with what is on its disk
#   exec  NAME COMMAND...          run a command inside; its exit status is passed through
#   push  NAME SOURCE TARGET       copy a file in
#   down  NAME                     power it off, unmount, remove the overlay and cgroups
# needs: apt-get install -y --no-install-recommends systemd-container debootstrap
set -euo pipefail

ROOT=${BOX_ROOT:-${TMPDIR:-/tmp}/miyamoto-boxes}
TEMPLATES=$ROOT/template
RUN=$ROOT/run
mkdir -p "$TEMPLATES" "$RUN"
export DPKG_FORCE=unsafe-io # templates are made quickly, not safely

# A hybrid host has both trees, a pure one only the second.
CGROUPS=(/sys/fs/cgroup/systemd /sys/fs/cgroup/unified)
[ -d /sys/fs/cgroup/unified ] || CGROUPS=(/sys/fs/cgroup)

die() {
  echo "systemd-box: $*" >&2
  exit 1
}

mirror() {
  grep -rhoE '^URIs: *\S+' /etc/apt/sources.list.d/ 2>/dev/null | awk '/\/debian$/ { print $2; exit }'
}

# The box's PID 1 as the host sees it.
leader() { pgrep -P "$(cat "$RUN/$1/pid")" | head -1; }

inside() {
  local pid
  pid=$(leader "$1")
  shift
  nsenter -t "$pid" -a -w env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb LANG=C.UTF-8 "$@"
}

# template SUITE [PACKAGE...]
template() {
  local IFS=+
  echo "$TEMPLATES/minimal-$*"
}

make() {
  local suite=$1 part
  bare "$suite"
  shift
  if [ $# = 0 ] || [ -d "$(template "$suite" "$@")" ]; then return 0; fi
  part=$TEMPLATES/$suite.part
  rm -rf --one-file-system "$part"
  cp -a --reflink=auto "$(template "$suite")" "$part"
  # Not debootstrap's --include=, which cannot resolve alternatives.
  chroot "$part" env DEBIAN_FRONTEND=noninteractive sh -ec '
    mount -t proc proc /proc
    trap "umount /proc" EXIT
    apt-get -qq update
    apt-get -qq install -y --no-install-recommends "$@"
    apt-get -qq clean' sh "$@"
  mv "$part" "$(template "$suite" "$@")"
}

bare() {
  local suite=$1 part=$TEMPLATES/$1.part script=/usr/share/debootstrap/scripts/$1
  exec 9>"$TEMPLATES/$suite.lock"
  flock 9
  # Remains of an earlier attempt.
  if mountpoint -q "$part/proc"; then umount "$part/proc"; fi
  [ ! -d "$(template "$suite")" ] || return 0
  rm -rf --one-file-system "$part"
  [ -e "$script" ] || script=/usr/share/debootstrap/scripts/sid # a suite that is newer than the host
  debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,libpam-systemd,ca-certificates \
    "$suite" "$part" "$(mirror)" "$script"
  # How this host reaches the mirror.
  cp -L /etc/resolv.conf "$part/etc/resolv.conf"
  apt-config dump | grep -E '^Acquire::(Check-|https?::Proxy )' >"$part/etc/apt/apt.conf.d/99of-the-host" || :
  mv "$part" "$(template "$suite")"
}

up() {
  local name=$1 box=$RUN/$1
  shift
  [ ! -e "$box" ] || die "$name is already up"
  mkdir -p "$box"/{upper,work,root}
  mount -t overlay "box-$name" \
    -o "lowerdir=$(template "$@"),upperdir=$box/upper,workdir=$box/work" "$box/root"
  : >"$box/root/etc/machine-id"
  echo "$name" >"$box/root/etc/hostname"
  boot "$name"
}

boot() {
  local name=$1 box=$RUN/$1 state= pid
  (
    # A separate cgroup, because boxes collide in /payload; a pure cgroup2 view of it, which
    # systemd >= 256 needs.
    for tree in "${CGROUPS[@]}"; do
      mkdir -p "$tree/box-$name"
      echo "$BASHPID" >"$tree/box-$name/cgroup.procs"
    done
    exec setsid env SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 SYSTEMD_NSPAWN_LOCK=0 \
      systemd-nspawn -q -D "$box/root" -M "$name" --register=no --keep-unit --boot --console=pipe
  ) </dev/null >"$box/console.log" 2>&1 &
  echo $! >"$box/pid"
  for _ in $(seq 600); do
    if ! kill -0 "$(cat "$box/pid")" 2>/dev/null; then break; fi
    pid=$(leader "$name" || :)
    if [ -n "$pid" ]; then state=$(inside "$name" systemctl is-system-running 2>/dev/null || :); fi
    case $state in running | degraded) return 0 ;; esac
    sleep 0.1
  done
  cat "$box/console.log" >&2
  down "$name"
  die "$name did not come up (${state:-no answer})"
}

again() {
  power_off "$1"
  boot "$1"
}

down() {
  local name=$1 box=$RUN/$1 tree
  power_off "$name"
  if mountpoint -q "$box/root"; then umount "$box/root"; fi
  rm -rf --one-file-system "$box"
  for tree in "${CGROUPS[@]}"; do
    [ ! -d "$tree/box-$name" ] || find "$tree/box-$name" -depth -type d -exec rmdir {} \;
  done
}

power_off() {
  local name=$1 box=$RUN/$1 pid= first
  if [ -e "$box/pid" ]; then pid=$(cat "$box/pid"); fi
  if [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; then
    first=$(leader "$name" || :)
    if [ -n "$first" ]; then kill -s RTMIN+4 "$first" || :; fi # systemd: power off
    for i in $(seq 200); do
      kill -0 "$pid" 2>/dev/null || break
      if [ "$i" = 150 ]; then kill -TERM "$pid" || :; fi
      if [ "$i" = 190 ]; then kill -KILL "$pid" || :; fi
      sleep 0.1
    done
  fi
}

verb=${1:-}
shift || :
case $verb in
make | up | again | down) "$verb" "$@" ;;
exec) inside "$@" ;;
push) cp -- "$2" "$RUN/$1/root/$3" ;;
*)
  sed -n '4,11s/^# //p' "$0" >&2
  exit 2
  ;;
esac
