#!/usr/bin/env bash
# What docs/containers.md says, tried with a real container engine. Needs Docker or Podman, and
# `make test` once, for the agentbox of the host.
#
#   tests/e2e/docker.sh
#   ENGINE=podman tests/e2e/docker.sh
#   IMAGE=mine tests/e2e/docker.sh      an image that is built already
#
# BUILD_OPTIONS and RUN_OPTIONS are added to `build` and `run`.
set -euo pipefail
cd "$(dirname "$0")/../.."
read -ra engine <<<"${ENGINE:-docker}"
read -ra build_options <<<"${BUILD_OPTIONS-}"
read -ra run_options <<<"${RUN_OPTIONS-}"
bin=$PWD/.venv/bin
work=$(mktemp -d)
uid=$(id -u)
[[ $uid -ne 0 ]] || uid=1000
image=${IMAGE-}
export HOME=$work/home
unset XDG_CONFIG_HOME XDG_STATE_HOME XDG_CACHE_HOME XDG_DATA_HOME AGENTBOX_CONFIG
started=()

say() { printf -- '- %s\n' "$*"; }
die() { printf 'docker.sh: %s\n' "$*" >&2; exit 1; }
run() { "${engine[@]}" run "${run_options[@]}" "$@"; }
begin() { # NAME OPTION... : a container that stays
    local name=$1; shift
    run --detach --name "$name" "$@" "$image" sleep 600 >/dev/null
    started+=("$name")
}
inside() { "${engine[@]}" exec "$@"; }
waits() { # WHAT COMMAND... : until the command succeeds
    local what=$1 left=100; shift
    until "$@" >/dev/null 2>&1; do
        ((left--)) || die "never came true: $what"
        sleep 0.3
    done
}
has() { [[ $1 == *"$2"* ]] || die "no '$2' in: $1"; }
finish() {
    for name in "${started[@]}"; do "${engine[@]}" rm --force --time 1 "$name" >/dev/null 2>&1 || true; done
    "$bin/agentbox" litellm stop >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap finish EXIT

mkdir -p "$HOME/.config/agentbox" "$work/context" "$work/config" "$work/off"
cat >"$work/config/config.yml" <<'YAML'
litellm:
  models:
    default:
      - {provider: simulated, model: rate-limited}
      - {provider: simulated, model: echo}
YAML
printf 'litellm: {enabled: false}\n' >"$work/off/config.yml"
chmod 755 "$work" "$work/config" "$work/off"
chmod 600 "$work/config/config.yml"
[[ $(id -u) -ne 0 ]] || chown "$uid" "$work/config/config.yml"
mount=(--volume "$work/config:/host-config/agentbox:ro")

if [[ -z $image ]]; then
    image=agentbox-docker-sh
    "$bin/python" -m hatchling build --target wheel --directory "$work/context" >/dev/null
    wheel=$(echo "$work"/context/*.whl)
    "$bin/agentbox" litellm export dockerfile --wheel "$wheel" >"$work/context/Dockerfile"
    "${engine[@]}" build "${build_options[@]}" --build-arg "ABOX_UID=$uid" --tag "$image" "$work/context"
    say "the printed Dockerfile builds"
fi

said=$(run --rm "$image" sh -c 'sleep 3; echo goes on' 2>&1)
has "$said" "no proxy is started: there is no config file"
has "$said" "goes on"
said=$(run --rm --volume "$work/off:/host-config/agentbox:ro" "$image" sh -c 'sleep 3; echo goes on' 2>&1)
has "$said" "says litellm.enabled: false"
said=$(run --rm "${mount[@]}" --env AGENTBOX_USER=nobody "$image" sh -c 'sleep 3; echo goes on' 2>&1)
has "$said" "cannot be read: permission denied"
has "$said" "goes on"
code=0
run --rm "$image" sh -c 'exit 7' >/dev/null 2>&1 || code=$?
[[ $code -eq 7 ]] || die "the command's status was $code, not 7"
say "no config, switched off, not readable: told, and the container goes on"

begin own "${mount[@]}"
waits "the proxy answers" inside own agentbox litellm health
has "$(inside --user abox own agentbox litellm ask hello 2>&1)" "you said: hello"
has "$(inside --user abox own agentbox litellm logs)" "serving on http://127.0.0.1:4000"
inside own agentbox-init
waits "a second start is told" inside --user abox own sh -c \
    'agentbox litellm logs | grep -q "already runs"'
pid=$(inside --user abox own agentbox litellm status --json | sed -n 's/^  "pid": \([0-9]*\),$/\1/p')
inside own sh -c "kill -KILL $pid"
waits "the dead proxy was buried" inside own sh -c "! [ -e /proc/$pid ]"
say "a proxy in the container, as abox; a second start; orphans are buried"

chmod 644 "$work/config/config.yml"
begin odd "${mount[@]}" --user 12345 --read-only --tmpfs /tmp
waits "the proxy answers" inside odd agentbox litellm health
has "$(inside --user 12345 odd agentbox litellm ask hello 2>&1)" "you said: hello"
has "$(inside --user 12345 odd agentbox litellm logs)" "are in /tmp/agentbox-12345"
say "any uid, no home, a read-only root"

cp "$work/config/config.yml" "$HOME/.config/agentbox/config.yml"
"$bin/agentbox" config set litellm.port 0 >/dev/null
"$bin/agentbox" config set litellm.socket '[web, ci]' >/dev/null
"$bin/agentbox" config set litellm.socket_access all >/dev/null
"$bin/agentbox" litellm start >/dev/null
for name in web ci; do
    begin "$name" --volume "$HOME/.local/state/agentbox/sockets/$name:/run/agentbox:ro"
    waits "the host's proxy answers in $name" inside "$name" agentbox litellm health
    inside "$name" /opt/agentbox/bin/python -c '
import json, urllib.request
body = {"model": "default", "messages": [{"role": "user", "content": "hello"}]}
url = "http://127.0.0.1:4000/v1/chat/completions"
asked = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "text/json"})
assert "you said: hello" in urllib.request.urlopen(asked).read().decode()
'
done
waits "usage names both" sh -c "'$bin/agentbox' litellm usage --by caller | grep -q '^web ' \
    && '$bin/agentbox' litellm usage --by caller | grep -q '^ci '"
"$bin/agentbox" litellm usage --by caller
"$bin/agentbox" litellm restart >/dev/null
waits "a restart of the host's proxy is found" inside web agentbox litellm health
say "two containers share the proxy of the host"
say "all well"
