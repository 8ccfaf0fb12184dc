#!/usr/bin/env bash
# The printed Dockerfile without a container engine: its own steps in a fresh Debian root, then the
# entrypoint as process 1 of a container made of namespaces. As root, with debootstrap; 10 minutes
# and 2 GB. PIP_* of the environment are passed on.
#
#   tests/e2e/image.sh [WORK]      WORK/root is kept, and used again
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(realpath -m "${1:-$(mktemp -d)}")
root=$work/root
bin=.venv/bin
uid=1000

say() { printf '\n== %s\n' "$*"; }
die() { printf 'image.sh: %s\n' "$*" >&2; exit 1; }
inside() { chroot "$root" env -i PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin "$@"; }

mkdir -p "$work"
say "a Debian root"
[[ -d $root/usr ]] || debootstrap --variant=minbase --include=python3-venv,ca-certificates \
    bookworm "$root"

say "a wheel, and the Dockerfile for it"
rm -rf "$work/context" "$root/opt/agentbox" "$root/usr/local/bin/"agentbox*
mkdir -p "$work/context"
"$bin/python" -m hatchling build --target wheel --directory "$work/context" >/dev/null
wheel=$(echo "$work"/context/*.whl)
"$bin/agentbox" litellm export dockerfile --wheel "$wheel" >"$work/context/Dockerfile"

say "its steps"
mkdir -p "$root/tmp/agentbox"
cp "$wheel" "$root/tmp/agentbox/"
cp /etc/resolv.conf "$root/etc/resolv.conf"
[[ -z ${PIP_CERT-} ]] || cp "$PIP_CERT" "$root/etc/ssl/certs/ca-certificates.crt"
# All of RUN, its continued lines with it, up to the next empty line.
awk '/^RUN /{on=1} /^$/{on=0} on' "$work/context/Dockerfile" | sed '1s/^RUN //' >"$work/run.sh"
mapfile -t pip < <(env | grep -E '^(PIP_(INDEX_URL|CERT|DEFAULT_TIMEOUT|TRUSTED_HOST)|https?_proxy|HTTPS?_PROXY)=' || true)
time inside "${pip[@]}" ABOX_UID=$uid PYTHON=python3 /bin/sh -c "$(cat "$work/run.sh")" \
    >"$work/run.log" 2>&1 || { tail -20 "$work/run.log"; die "the steps failed"; }

say "what is in it"
site=$(echo "$root"/opt/agentbox/lib/python3.*/site-packages)
for tool in pip setuptools wheel; do
    [[ ! -e $site/$tool ]] || die "$tool was left behind"
done
[[ ! -e $root/tmp/agentbox ]] || die "the wheel was left behind"
[[ $(inside id -u abox) == "$uid" ]] || die "abox is not $uid"
inside agentbox --version
du -sh "$root/opt/agentbox"
[[ -n $(find "$site/litellm" -name '*.pyc' -print -quit) ]] || die "nothing was compiled"

say "a container of it"
mkdir -p "$work/config" "$root/host-config/agentbox"
cat >"$work/config/config.yml" <<'YAML'
litellm:
  providers:
    anthropic: {api_key: "${ANTHROPIC_API_KEY}"}
  models:
    default:
      - {provider: simulated, model: rate-limited}
      - {provider: simulated, model: echo}
    claude:
      - {provider: anthropic, model: claude-sonnet-4-5}
YAML
chown -R $uid "$work/config"
chmod 700 "$work/config" && chmod 600 "$work/config/config.yml"
cat >"$work/check.sh" <<'SH'
set -eu
as_abox() { setpriv --reuid=abox --regid=abox --init-groups env HOME=/home/abox "$@"; }
until agentbox litellm health >/dev/null 2>&1; do sleep 0.2; done
agentbox litellm health --if-enabled
as_abox agentbox litellm ask hello
as_abox agentbox litellm test-fallback default
until as_abox agentbox litellm status | grep 'engine ready'; do sleep 0.5; done
as_abox agentbox litellm logs
as_abox agentbox litellm stop
SH
cp "$work/check.sh" "$root/check.sh"
# shellcheck disable=SC2016 # the inner shell fills it in
unshare --mount --pid --net --ipc --uts --fork --kill-child sh -euc '
    root=$1; shift
    mount --make-rprivate /
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    mount --bind "$1" "$root/host-config/agentbox"
    mount -o remount,bind,ro "$root/host-config/agentbox"
    ip link set lo up
    exec chroot "$root" env -i PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin \
        ANTHROPIC_API_KEY=sk-not-a-key /usr/local/bin/agentbox-init sh /check.sh
' container "$root" "$work/config" || die "the container failed"
say "all well; $work is yours"
