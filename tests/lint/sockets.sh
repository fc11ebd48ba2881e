#!/bin/sh
# sockets - no socket of a program is made past sock_new, and none without saying who may be there.
#
# A socket without a curve (NULL) speaks with whoever comes. The rows say which files may make one,
# each with its reason; prints every other, and every row that nothing needs; 1 if there is any.
set -eu
cd "$(dirname "$0")/../.."
rows() {
    cat <<'ROWS'
agent/app_input.c             applications are not ours: loopback and ipc only
collector/zap_handler.c       inside the process: libzmq alone asks there
ROWS
}
bad=0
ours=$(find shared agent collector dashboard -name node_modules -prune -o -name '*.c' -print | sort)
for f in $ours; do
    [ "$f" = shared/net/sock.c ] && continue
    if grep -HnE '\b(zsock_new[a-z_]*|zmq_socket) *\(' "$f"; then
        echo "$f: makes a socket past sock_new"
        bad=1
    fi
    if tr '\n' ' ' <"$f" | grep -qE '\bsock_new\([^;]*, *NULL\)'; then
        rows | grep -q "^$f " || { echo "$f: makes a socket for whoever comes"; bad=1; }
    elif rows | grep -q "^$f "; then
        echo "$f: has a row in tests/lint/sockets.sh and makes no such socket"
        bad=1
    fi
done
exit $bad
