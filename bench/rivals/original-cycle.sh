#!/bin/sh
# original-cycle.sh s3cmd|aws ENDPOINT BUCKET PUPPET-APPLY... - in a folder with environments/: a
# cycle of the original Miyamoto. One line in the bucket names the release; facts
# are uploaded after the run.
set -eu
tool=$1 endpoint=$2 bucket=$3
shift 3

case $tool in
s3cmd)
  get() { s3cmd --config s3cfg --quiet --force get "s3://$bucket/$1" "$2"; }
  put() { s3cmd --config s3cfg --quiet put "$1" "s3://$bucket/$2"; }
  ;;
aws)
  get() { aws --endpoint-url "$endpoint" s3 cp --quiet "s3://$bucket/$1" "$2"; }
  put() { aws --endpoint-url "$endpoint" s3 cp --quiet "$1" "s3://$bucket/$2"; }
  ;;
esac

get "$tool/flavors/stable" version.new
version=$(cat version.new)
if [ "$version" != "$(cat version 2>/dev/null)" ]; then
  get "$tool/manifests/$version.tar.gz" release.tar.gz
  mkdir -p "releases/$version"
  tar -xzf release.tar.gz -C "releases/$version"
  ln -sfn "../releases/$version" environments/stable
  mv version.new version
fi
"$@"
# facter also exits with 1 when it could not read a single fact.
facter --json >facts.json || test -s facts.json
put facts.json "$tool/status/host.json"
