#!/bin/sh
# in-memory.sh COMMAND [ARGUMENT...] - runs the command with its temporary files in memory, where
# root may mount and has room; elsewhere just the command. On a disk, a quarter of the time of some
# tests is waiting for fsync. The mount is in a namespace of the command's own, and ends with it
# however it ends. /dev/shm needs no mount, but Puppet creates none of its directories below /dev.
set -eu

megabytes=2048 # about three times the peak of four test files at a time
has_room() {
  available=$(sed -n 's/^MemAvailable: *\([0-9]*\)[0-9]\{3\} kB$/\1/p' /proc/meminfo) || return 1
  for limit in /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes; do
    bytes=$(cat "$limit" 2>/dev/null) || continue
    [ "$bytes" = max ] || [ "${#bytes}" -gt 10 ] || return 1 # less than 10 GB
  done
  [ "${available:-0}" -ge $((2 * megabytes)) ]
}

# Who sets TMPDIR has a reason.
if [ -z "${TMPDIR:-}" ] && [ "$(id -u)" = 0 ] && has_room && unshare --mount true 2>/dev/null; then
  directory=$(mktemp -d -t mm-XXXXXX)
  trap 'rmdir "$directory"' EXIT
  trap 'exit 130' HUP INT TERM
  status=0
  TMPDIR=$directory unshare --mount sh -euc '
    ! mount -t tmpfs -o "size=$1m,mode=1777" mm-test "$TMPDIR" 2>/dev/null && unset TMPDIR
    shift
    exec "$@"' sh "$megabytes" "$@" || status=$?
  exit "$status"
fi
exec "$@"
