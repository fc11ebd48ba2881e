#!/bin/sh
# setup - see what building and testing need, and install what is missing. Debian 12.
#
# usage: setup.sh run | check     (check needs all that run needs, and the tools of the tests)
#
# One row a need: who needs it, how to see it, the Debian package that brings it. A need is seen
# by what it gives, never by a package's name: a node or clang from elsewhere counts as well.
# With everything there nothing is installed and no network is used.
# Exits: 0 ready; 69 something is missing and may not be installed from here; else apt's failure.
set -eu

needs() {
    cat <<'ROWS'
run    command  make                                       make
run    command  gcc                                        gcc
run    file     /usr/include/stdio.h                       libc6-dev
run    command  ar                                         binutils
run    command  pkg-config                                 pkg-config
run    library  libczmq                                    libczmq-dev
run    library  libzmq                                     libzmq3-dev
run    library  libmicrohttpd                              libmicrohttpd-dev
run    library  libpcre2-8                                 libpcre2-dev
run    library  sqlite3                                    libsqlite3-dev
run    library  jansson                                    libjansson-dev
run    library  zlib                                       zlib1g-dev
run    node     18                                         nodejs
run    command  npm                                        npm
check  command  git                                        git
check  library  cmocka                                     libcmocka-dev
check  command  clang                                      clang
check  runtime  fuzzer                                     libclang-rt-14-dev
check  command  clang-format                               clang-format
check  command  clang-tidy                                 clang-tidy
check  command  cppcheck                                   cppcheck
check  ctags    -                                          universal-ctags
check  command  chromium                                   chromium
check  command  prometheus-node-exporter                   prometheus-node-exporter
check  command  ip                                         iproute2
check  file     /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf  fonts-dejavu-core
ROWS
}

seen() { # HOW WHAT
    case $1 in
    command) command -v "$2" >/dev/null 2>&1 ;;
    library) pkg-config --exists "$2" 2>/dev/null ;;
    file)    test -e "$2" ;;
    node)    v=$(node --version 2>/dev/null) && v=${v#v} && [ "${v%%.*}" -ge "$2" ] ;;
    runtime) d=$(clang -print-resource-dir 2>/dev/null) &&
             find "$d/" -name "libclang_rt.$2*.a" 2>/dev/null | grep -q . ;;
    ctags)   ctags --version 2>/dev/null | grep -q Universal ;;
    *)       echo "setup: no way to see a $1" >&2; exit 1 ;;
    esac
}

# Packages of this machine's missing needs, in the table's order. Without pkg-config no library
# can be seen: then all of them are asked for, and apt leaves what is there as it is.
missing() { # WHO
    needs | while read -r who how what package; do
        if [ "$who" = run ] || [ "$who" = "$1" ]; then
            seen "$how" "$what" || printf '%s ' "$package"
        fi
    done
}

case ${1:-} in
run | check) ;;
*) echo "usage: setup.sh run|check" >&2; exit 2 ;;
esac

packages=$(missing "$1")
[ -n "$packages" ] || exit 0

root=
if [ "$(id -u)" != 0 ]; then
    root=sudo
fi
install="apt-get install -y --no-install-recommends $packages"
if ! command -v apt-get >/dev/null 2>&1; then
    echo "setup: missing: $packages(names of Debian 12's packages); there is no apt-get here" >&2
    exit 69
fi
if [ -n "$root" ] && ! command -v sudo >/dev/null 2>&1; then
    echo "setup: missing: $packages" >&2
    echo "setup: run this as root, then try again:  apt-get update && $install" >&2
    exit 69
fi

echo "setup: installing $packages"
export DEBIAN_FRONTEND=noninteractive
$root apt-get update -q
# env: sudo may not hand the variable on.
$root env DEBIAN_FRONTEND=noninteractive $install

packages=$(missing "$1")
if [ -n "$packages" ]; then
    echo "setup: installed, but what these should bring is still not seen: $packages" >&2
    exit 69
fi
