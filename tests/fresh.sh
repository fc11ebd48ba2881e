#!/usr/bin/env bash
# fresh - `make run` and `make check` on a Debian 12 that has nothing but make. By hand: root, network.
#
# A machine that has been used hides what setup.sh forgets. So: debootstrap of bookworm into a
# temporary folder, from where this machine gets its packages; a clone of HEAD inside; make run until
# the address is printed, Ctrl-C on a terminal, exit code 0; make check. Everything is mounted in a
# namespace of its own and gone at the end. FRESH_DIR= keeps the folder elsewhere than in /var/tmp.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "${1:-}" != inside ]; then
    [ "$(id -u)" = 0 ] || { echo "fresh: needs root" >&2; exit 69; }
    command -v debootstrap >/dev/null || { echo "fresh: needs debootstrap" >&2; exit 69; }
    top=$(mktemp -d -p "${FRESH_DIR:-/var/tmp}" zpulse-fresh-XXXXXX)
    trap 'rm -rf --one-file-system "$top"' EXIT
    # All that is mounted below is mounted for this one process tree.
    unshare --mount --pid --fork --kill-child "$0" inside "$top"
    exit
fi

top=$2
root=$top/root
sources() { # URI SUITE of Debian's own packages, as this machine has them
    apt-get indextargets --format '$(SITE) $(RELEASE) $(ORIGIN)' 'Created-By: Packages' |
        awk '$3 == "Debian" && $2 ~ /^bookworm/ { print $1, $2 }' | sort -u
}
mirror=$(sources | awk '$2 == "bookworm" { print $1; exit }')
[ -n "$mirror" ] || { echo "fresh: this machine has no source of bookworm" >&2; exit 69; }

echo "fresh: debootstrap"
debootstrap --variant=minbase bookworm "$root" "$mirror" >"$top/debootstrap.log" ||
    { tail -n 20 "$top/debootstrap.log"; exit 1; }
sources | sed 's/^/deb /; s/$/ main/' >"$root/etc/apt/sources.list"
cp /etc/resolv.conf /etc/hosts "$root/etc/"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t sysfs -o ro sysfs "$root/sys"
git clone -q . "$root/zpulse"

# How this machine reaches the network; nothing else of it is seen inside.
reach=(PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb LANG=C.UTF-8)
for v in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
    [ -z "${!v:-}" ] || reach+=("$v=${!v}")
done
if [ -n "${NODE_EXTRA_CA_CERTS:-}" ]; then
    cp "$NODE_EXTRA_CA_CERTS" "$root/extra-ca.pem"
    reach+=(NODE_EXTRA_CA_CERTS=/extra-ca.pem)
fi
registry=$(npm config get registry 2>/dev/null || true)
[ -z "$registry" ] || reach+=("npm_config_registry=$registry")
within() { env -i "${reach[@]}" chroot "$root" bash -c "cd /zpulse && $1"; }

within 'apt-get update -q && apt-get install -qy --no-install-recommends make' >"$top/make.log" 2>&1 ||
    { tail -n 20 "$top/make.log"; exit 1; }

echo "fresh: a user without rights is told the one command"
cp -r "$root/zpulse/shared/deploy" "$root/tmp/deploy" && chmod -R a+rX "$root/tmp/deploy"
rc=0
said=$(env -i "${reach[@]}" chroot --userspec=nobody "$root" sh /tmp/deploy/setup.sh run 2>&1) || rc=$?
echo "$said"
[ $rc = 69 ] && grep -q 'apt-get install' <<<"$said"

echo "fresh: make run"
mkfifo "$top/keys"
env -i "${reach[@]}" chroot "$root" bash -c \
    "cd /zpulse && script -qefc 'make run' /run.log" <"$top/keys" >/dev/null 2>&1 &
run=$!
exec 5>"$top/keys"
for ((i = 0; i < 900; i++)); do
    grep -q 'http://127.0.0.1:8088' "$root/run.log" 2>/dev/null && break
    kill -0 $run 2>/dev/null || break
    sleep 1
done
grep -q 'http://127.0.0.1:8088' "$root/run.log" ||
    { tail -n 60 "$root/run.log"; echo "fresh: make run did not come up"; exit 1; }
echo "fresh: up after $i s; Ctrl-C"
printf '\003' >&5
rc=0
wait $run || rc=$?
exec 5>&-
tail -n 5 "$root/run.log"
[ $rc = 0 ] || { echo "fresh: make run ended with $rc"; exit 1; }

echo "fresh: make check"
within 'make check </dev/null' >"$top/check.log" 2>&1 || { tail -n 80 "$top/check.log"; exit 1; }
tail -n 7 "$top/check.log"
within 'test -z "$(git status --porcelain)"' || { echo "fresh: the clone is not clean after it"; exit 1; }

echo "fresh: with everything there nothing is installed, and no network is asked for"
unshare --net env -i "${reach[@]}" chroot "$root" bash -c \
    'cd /zpulse && sh shared/deploy/setup.sh check && make >/dev/null'
echo "fresh: all well"
