#!/bin/sh
# agentbox-init: starts agentbox's proxy beside whatever the container is for.
# Made by: agentbox litellm export container-init
#
#   ENTRYPOINT ["agentbox-init"]     runs the container's command after it, or
#   agentbox-init                    from a start script of yours; again is fine
#
# If the host mounted a socket for this container, agents get its proxy at 127.0.0.1:4000.
# Else, if /host-config/agentbox/config.yml says `enabled: true`, a proxy of its own is started.
# Whatever comes of it is on stderr and where `agentbox litellm logs` looks; the container goes on.

prefix=${AGENTBOX_PREFIX:-@PREFIX@}
user=${AGENTBOX_USER:-abox}
socket=${AGENTBOX_SOCKET:-@SOCKET@}

tell() {
    # Whoever read stderr may be gone, as `docker exec` is: the log shall have it even so.
    trap '' PIPE
    exec 3>&2 2>/dev/null
    while IFS= read -r line; do
        line="$(date '+%Y-%m-%d %H:%M:%S') container-init: $line"
        printf '%s\n' "$line" >>"$1"
        printf '%s\n' "$line" >&3
    done
}

# In the background, as the user.
serve() {
    umask 077
    log=$("$prefix/bin/agentbox" litellm logs --path) || log=/dev/null
    mkdir -p "${log%/*}" || log=/dev/null
    if [ -d "${socket%/*}" ]; then
        "$prefix/bin/agentbox" litellm bridge --socket "$socket" --if-exists 2>&1 | tell "$log"
    else
        "$prefix/bin/agentbox" litellm start --if-enabled 2>&1 | tell "$log"
    fi
}

home_of() {
    while IFS=: read -r name _ _ _ _ home _; do
        if [ "$name" = "$1" ]; then
            printf '%s\n' "$home"
        fi
    done </etc/passwd
}

# This script once more, as the user; only root can become one.
begin() {
    uid=$(id -u)
    if [ "$uid" -ne 0 ] || [ "$user" = root ]; then
        "$0" --serve
    elif ! group=$(id -g "$user" 2>/dev/null); then
        echo "agentbox-init: no proxy: there is no user $user" >&2
    elif command -v setpriv >/dev/null; then
        home=$(home_of "$user")
        HOME=$home USER=$user LOGNAME=$user \
            setpriv --reuid="$user" --regid="$group" --init-groups -- "$0" --serve
    else
        # shellcheck disable=SC2016 # the user's shell fills it in
        su -s /bin/sh "$user" -c 'exec "$0" --serve' "$0"
    fi
}

if [ "${1-}" = --serve ]; then
    serve
    exit 0
fi
if [ -x "$prefix/bin/agentbox" ]; then
    # Nothing of the container's own input and output is held, but stderr for a last word.
    begin </dev/null >&2 &
    # Whoever asks for the proxy meanwhile waits for this one, and starts none of its own.
    export AGENTBOX_INIT_PID=$!
else
    echo "agentbox-init: no proxy: there is no $prefix/bin/agentbox" >&2
fi
if [ $# -eq 0 ]; then
    exit 0
elif [ $$ -eq 1 ] && [ -x "$prefix/bin/python" ]; then
    # Without an init, orphans would stay as zombies.
    exec "$prefix/bin/python" -I -m agentbox_cli.supervise.pid_one "$@"
else
    exec "$@"
fi
