#!/bin/sh
# sync-cycle.sh ENDPOINT BUCKET PUPPET-APPLY... - in a folder with environments/: the bucket
# holds the files as they are.
set -eu
endpoint=$1 bucket=$2
shift 2
# Without --exact-timestamps, a file that changed but kept its size is not fetched.
aws --endpoint-url "$endpoint" s3 sync --quiet --exact-timestamps --delete "s3://$bucket/sync" environments/stable
# S3 does not store modes, and an external fact must be executable.
chmod +x environments/stable/modules/*/facts.d/*.sh
"$@"
