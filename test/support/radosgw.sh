#!/usr/bin/env bash
# radosgw.sh - a real, independent S3 server (Ceph RADOS Gateway) on loopback only, from Debian
# packages.
#   radosgw.sh install | start | stop | wipe | status | env
#   radosgw.sh policy USER FILE     gives a user this IAM policy, and no other
# start is idempotent: it installs what is missing, makes the cluster once, starts what is not
# running, waits until the gateway answers, and creates the users and a bucket. stop ends only
# the PIDs it saved. No ceph-mgr is needed (but `ceph df`, `ceph pg ...` then hang: they ask the
# mgr). STORE=memstore forgets everything at stop; STORE=bluestore (a sparse file) keeps it.
# Settings (environment): RGW_DIR RGW_PORT MON_PORT OSD_PORT_MIN STORE=memstore|bluestore BUCKET
set -euo pipefail
RGW_DIR=${RGW_DIR:-${TMPDIR:-/tmp}/miyamoto-radosgw}; RGW_PORT=${RGW_PORT:-17480}; MON_PORT=${MON_PORT:-16789}
OSD_PORT_MIN=${OSD_PORT_MIN:-16800}; STORE=${STORE:-memstore}; BUCKET=${BUCKET:-fleet}
HOST=127.0.0.1; CONF=$RGW_DIR/ceph.conf; RUN=$RGW_DIR/run; LOG=$RGW_DIR/log
PKGS="radosgw ceph-mon ceph-osd curl s3cmd"
# fixed throw-away lab credentials; nothing outside this machine's loopback can reach the server
ADMIN_AK=LABADMINKEY0000000001 ADMIN_SK=labadminsecret0000000000000000000000001
# owner has the bucket, and so all rights in it; the others have no policy at first.
USERS="owner machine host certified publisher reader reporter cleaner maintainer"
ak() { local a="LAB${1^^}00000000000000000"; echo "${a:0:20}"; }
sk() { echo "lab-secret-of-the-$1"; }
export CEPH_CONF=$CONF CEPH_ARGS= no_proxy=127.0.0.1 NO_PROXY=127.0.0.1
say() { echo "[radosgw.sh] $*" >&2; }
alive() { local p; p=$(cat "$RUN/$1.pid" 2>/dev/null) && [ -n "$p" ] && grep -qsF "$CONF" "/proc/$p/cmdline" && ! grep -qs '^State:.[ZX]' "/proc/$p/status"; }
spawn() { # name cmd...   foreground daemon under setsid, PID saved
  local n=$1; shift; alive "$n" && return 0
  setsid "$@" >"$LOG/$n.out" 2>&1 </dev/null & echo $! >"$RUN/$n.pid"; }
halt() { local n=$1 p i; alive "$n" || { rm -f "$RUN/$n.pid"; return 0; }; p=$(cat "$RUN/$n.pid"); kill -TERM "$p" || true
  for i in $(seq 1 150); do alive "$n" || break; sleep 0.1; done
  if alive "$n"; then say "$n ($p) still up after 15 s, KILL"; kill -KILL "$p" || true; fi; rm -f "$RUN/$n.pid"; say "$n stopped"; }
wait_for() { # seconds what cmd...
  local s=$1 w=$2 i; shift 2; for i in $(seq 1 $((s * 10))); do "$@" >/dev/null 2>&1 && return 0; sleep 0.1; done; say "timeout: $w"; local f; for f in "$LOG"/*.out; do tail -n 5 "$f" >&2; done; return 1; }
install_pkgs() {
  local p miss=""; for p in $PKGS; do dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || miss="$miss $p"; done
  [ -z "$miss" ] && return 0; say "installing$miss"
  ( if [ ! -e /usr/sbin/policy-rc.d ]; then trap 'rm -f /usr/sbin/policy-rc.d' EXIT; printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d; chmod +x /usr/sbin/policy-rc.d; fi  # no service may start by itself
    apt-get update -qq; DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $miss >/dev/null ); }
conf() { mkdir -p "$RUN" "$LOG" "$RGW_DIR"/{mon,osd}; [ -s "$RGW_DIR/fsid" ] || cat /proc/sys/kernel/random/uuid >"$RGW_DIR/fsid"
cat >"$CONF" <<C
[global]
fsid = $(cat "$RGW_DIR/fsid")
mon_host = [v1:$HOST:$MON_PORT]
ms_bind_msgr2 = false
ms_bind_ipv6 = false
public_addr = $HOST
cluster_addr = $HOST
public_network = 127.0.0.0/8
cluster_network = 127.0.0.0/8
ms_bind_port_min = $OSD_PORT_MIN
ms_bind_port_max = $((OSD_PORT_MIN + 90))
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
run_dir = $RUN
admin_socket = $RUN/\$cluster-\$name.asok
pid_file =
log_file = $LOG/\$cluster-\$name.log
log_to_syslog = false
mon_cluster_log_file = $LOG/cluster.log
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 8
osd_pool_default_pgp_num = 8
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_allow_pool_delete = true
mon_max_pg_per_osd = 1000
mon_warn_on_pool_no_redundancy = false
mon_data_avail_warn = 2
mon_data_avail_crit = 1
osd_class_update_on_start = false
osd_crush_update_on_start = false
paxos_propose_interval = 0.1
paxos_min_wait = 0.01
mon_tick_interval = 1
[mon.a]
mon_data = $RGW_DIR/mon
[osd.0]
osd_data = $RGW_DIR/osd
osd_objectstore = $STORE
osd_journal =
memstore_device_bytes = 4294967296
bluestore_block_size = 4294967296
bluestore_block_db_create = false
bluestore_block_wal_create = false
osd_memory_target = 939524096
osd_max_object_name_len = 1024
[client]
admin_socket =
log_file =
[client.admin]
rgw_zone = default
[client.rgw.lab]
admin_socket = $RUN/rgw.asok
log_file = $LOG/rgw.log
rgw_frontends = beast endpoint=$HOST:$RGW_PORT
rgw_enable_apis = s3, iam, sts, admin
rgw_zone = default
rgw_num_rados_handles = 1
rgw_thread_pool_size = 128
rgw_enable_usage_log = false
rgw_enable_gc_threads = true
rgw_enable_quota_threads = false
rgw_run_sync_thread = false
rgw_max_concurrent_requests = 1024
rgw_override_bucket_index_max_shards = 1
rgw_dynamic_resharding = false
C
}
rgwa() { timeout 60 radosgw-admin -c "$CONF" -n client.admin "$@" 2>>"$LOG/radosgw-admin.err"; }
user() { rgwa user info --uid="$1" >/dev/null 2>&1 || rgwa user create --uid="$1" --display-name="$1" --access-key="$2" --secret-key="$3" "${@:4}" >/dev/null; }
# signed calls with plain curl: s3req AK SK METHOD PATH [BODYFILE]; iamreq AK SK k=v...
s3req() { local h; h=$(sha256sum <"${5:-/dev/null}" | cut -d' ' -f1); curl -sS -f -o /dev/null --max-time 30 --aws-sigv4 aws:amz:us-east-1:s3 --user "$1:$2" -H "x-amz-content-sha256: $h" -X "$3" ${5:+--data-binary "@$5" -H 'content-type: application/json'} "http://$HOST:$RGW_PORT$4"; }
iamreq() { local u="$1:$2" a=(); shift 2; for k in "$@"; do a+=(--data-urlencode "$k"); done; curl -sS -f -o /dev/null --max-time 30 --aws-sigv4 aws:amz:us-east-1:iam --user "$u" --data-urlencode Version=2010-05-08 "${a[@]}" "http://$HOST:$RGW_PORT/"; }
users() {
  user admin "$ADMIN_AK" "$ADMIN_SK" --caps="users=*;buckets=*;metadata=*;user-policy=*;roles=*"
  local u; for u in $USERS; do user "$u" "$(ak "$u")" "$(sk "$u")" $([ "$u" = owner ] || echo --max-buckets=-1); done
  s3req "$(ak owner)" "$(sk owner)" PUT "/$BUCKET"       # creating one's own bucket again is a 200
}
policy() { iamreq "$ADMIN_AK" "$ADMIN_SK" Action=PutUserPolicy UserName="$1" PolicyName=fleet "PolicyDocument@$2"; }
start() {
  install_pkgs; local t0; t0=$(date +%s%N)
  # memstore is volatile: without the OSD its objects are lost, so create it again
  # (STORE=bluestore keeps them)
  if [ "$STORE" = memstore ] && [ -e "$RGW_DIR/osd/whoami" ] && ! alive osd; then stop; rm -rf "$RGW_DIR"; fi
  conf
  if [ ! -e "$RGW_DIR/mon/keyring" ] && [ ! -e "$RGW_DIR/mon/store.db" ]; then
    rm -f "$RGW_DIR/monmap"; monmaptool --create --fsid "$(cat "$RGW_DIR/fsid")" --addv a "[v1:$HOST:$MON_PORT]" "$RGW_DIR/monmap" >/dev/null
    ceph-mon -c "$CONF" --mkfs -i a --monmap "$RGW_DIR/monmap"; fi
  spawn mon ceph-mon -c "$CONF" -i a -f
  wait_for 30 "monitor" ceph -c "$CONF" --connect-timeout 2 mon stat
  if [ ! -e "$RGW_DIR/osd/whoami" ]; then
    local u; u=$(cat /proc/sys/kernel/random/uuid); wait_for 20 "osd new" ceph -c "$CONF" --connect-timeout 5 osd new "$u"
    ceph-osd -c "$CONF" -i 0 --mkfs --osd-uuid "$u" >"$LOG/osd-mkfs.out" 2>&1
    timeout 30 ceph -c "$CONF" osd crush add osd.0 1.0 root=default host=lab >/dev/null 2>&1; fi
  spawn osd ceph-osd -c "$CONF" -i 0 -f
  wait_for 40 "osd active" sh -c "timeout 10 ceph --admin-daemon $RUN/ceph-osd.0.asok status | grep -q '\"state\": \"active\"'"
  spawn rgw radosgw -c "$CONF" -n client.rgw.lab -f
  wait_for 90 "gateway" curl -sf --max-time 2 -o /dev/null "http://$HOST:$RGW_PORT/"
  say "gateway answers after $(( ($(date +%s%N) - t0) / 1000000 )) ms"
  users; say "users ready after $(( ($(date +%s%N) - t0) / 1000000 )) ms"; }
stop() { halt rgw; halt osd; halt mon; say stopped; }
wipe() { stop; case $RGW_DIR in /|/tmp|/home|"") exit 1;; esac; rm -rf "$RGW_DIR"; say "wiped $RGW_DIR"; }
status() { local n; for n in mon osd rgw; do alive $n && echo "$n pid $(cat "$RUN/$n.pid") $(grep VmRSS /proc/"$(cat "$RUN/$n.pid")"/status | tr -s '\t ' ' ')" || echo "$n -"; done; }
envs() { cat <<E
export S3_ENDPOINT=http://$HOST:$RGW_PORT S3_REGION=us-east-1 S3_BUCKET=$BUCKET
E
  local u; for u in $USERS; do echo "export ${u^^}_AK=$(ak "$u") ${u^^}_SK=$(sk "$u")"; done; }
case ${1:-} in install) install_pkgs;; start) start;; stop) stop;; wipe) wipe;; status) status;; env) envs;; policy) policy "$2" "$3";;
  *) sed -n 2,10p "$0"; exit 2;; esac
