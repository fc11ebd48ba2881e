#!/bin/sh
# layers_test - layers.sh sees each kind of wrong include, and nothing in a clean tree.
set -eu
lint=$(cd "$(dirname "$0")" && pwd)
top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
bad=0

tree() { # an empty tree with the rows' folders
    rm -rf "${top:?}"/*
    for d in shared/base shared/model shared/wire shared/net agent/proc collector/store \
        collector/ctl collector/query dashboard; do mkdir -p "$top/$d"; done
    printf '#include "shared/base/buf.h"\n' >"$top/shared/model/fine.c"
}
refuses() { # FILE INCLUDE
    tree
    printf '#include "%s"\n' "$2" >"$top/$1"
    if "$lint/layers.sh" "$top" >/dev/null; then
        echo "layers.sh let $1 include $2"
        bad=1
    fi
}
tree
"$lint/layers.sh" "$top" || { echo "layers.sh refused a clean tree"; bad=1; }
refuses shared/base/x.c      shared/model/label.h
refuses shared/model/x.c     shared/wire/frame.h
refuses shared/wire/x.h      shared/net/sock.h
refuses shared/net/x.c       agent/sampler.h
refuses agent/x.c            collector/reactor.h
refuses agent/proc/x.c       shared/wire/frame.h
refuses agent/proc/x.c       agent/sampler.h
refuses collector/x.c        dashboard/view.h
refuses collector/store/x.c  shared/net/sock.h
refuses collector/store/x.c  collector/reactor.h
refuses collector/query/x.c  collector/store/head.h
refuses collector/ctl/x.c    collector/store/store.h
refuses dashboard/x.c        collector/store/store.h
refuses agent/x.c            sampler.h

tree
mkdir -p "$top/agent/attic" && printf 'int x;\n' >"$top/agent/attic/x.c"
if "$lint/layers.sh" "$top" >/dev/null; then
    echo "layers.sh overlooked a folder without a row"
    bad=1
fi
tree
printf 'int x;\n' | tee "$top/agent/same.c" >"$top/dashboard/same.c"
if "$lint/layers.sh" "$top" >/dev/null; then
    echo "layers.sh overlooked a name that stands twice"
    bad=1
fi
exit $bad
