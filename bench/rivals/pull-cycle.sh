#!/bin/sh
# pull-cycle.sh PUPPET-APPLY... - in a folder with environments/: the environment is a clone.
set -eu
git -C environments/stable pull --quiet --ff-only
"$@"
