#!/usr/bin/env bash
# The main job without any key: a chain whose first provider is rate limited still answers.
# Everything lives in a private home that is removed at the end.
set -euo pipefail

bin=$(cd "$1" && pwd)
home=$(mktemp -d)
export HOME=$home XDG_CONFIG_HOME=$home/config XDG_STATE_HOME=$home/state
export XDG_CACHE_HOME=$home/cache XDG_DATA_HOME=$home/data
unset AGENTBOX_CONFIG LITELLM_PORT
cd "$home"

finish() {
    "$bin/agentbox" litellm stop --force >/dev/null 2>&1 || true
    rm -rf "$home"
}
trap finish EXIT

run() {
    printf '\n$ %s\n' "$*"
    "$bin/$1" "${@:2}"
}

echo "agentbox demo: simulated providers, no key, no network"
run agentbox litellm init --demo
run agentbox litellm models
run agentbox litellm start --port 0
run agentbox litellm ask "Who are you?"
run agentbox litellm ask "And now?"
run agentbox litellm status
run agentbox litellm test-fallback
run agentbox litellm usage --by model
run agentbox litellm stop
printf '\nThe first provider was rate limited, and the answers came all the same.\n'
