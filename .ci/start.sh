#!/usr/bin/env bash
# How long a new user waits: make run in a fresh clone of HEAD with empty caches of its own, until the page works; then, warm,
# once more. It prints both in seconds. The caches of the machine stay as they are.
set -euo pipefail
root=$(git -C "$(dirname "${BASH_SOURCE[0]}")" rev-parse --show-toplevel)
dir=$(mktemp -d)
chmod 755 "$dir" # root runs Postgres as another user
export GOCACHE=$dir/gocache GOMODCACHE=$dir/gomodcache GOFLAGS="${GOFLAGS:-} -modcacherw" npm_config_cache=$dir/npm
trap 'rm -rf "$dir"' EXIT
git clone -q "$root" "$dir/eventim"
cd "$dir/eventim"

now() { date +%s%N; }

start() { # NAME
  local begun pid
  begun=$(now)
  : >"$dir/out"
  make run PORT=0 DATA="$dir/data" >"$dir/out" 2>"$dir/log" &
  pid=$!
  until grep -q '^listening on ' "$dir/out"; do
    kill -0 "$pid" 2>/dev/null || { tail -n 20 "$dir/log" >&2; return 1; }
    sleep 0.05
  done
  echo "$1 $(awk -v ns=$(($(now) - begun)) 'BEGIN { printf "%.1f s", ns / 1e9 }')"
  # make run becomes the program, whose shell make waits for.
  pkill -INT -P "$pid" 2>/dev/null || true
  wait "$pid" || true
}

start 'a fresh clone with empty caches:'
start 'once more:'
