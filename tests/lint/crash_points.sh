#!/bin/sh
# crash_points - each crash point that is listed is one of the code, and no program that we ship has
# any.
#
# usage: crash_points.sh    BUILD_DIR= (build): whose programs are looked at, where they are built
set -eu
cd "$(dirname "$0")/../.."
bad=0
list=$(sed -n 's/^    POINT(\([A-Z_]*\)).*/\1/p' shared/base/crash_point.h)
[ -n "$list" ] || { echo "shared/base/crash_point.h: no point is listed"; bad=1; }
for point in $list; do
    grep -rq --include='*.c' --exclude-dir=node_modules "CRASH_POINT($point);" shared agent collector dashboard ||
        { echo "shared/base/crash_point.h: $point: the code does not come by it"; bad=1; }
done
for program in "${BUILD_DIR:-build}"/bin/zpulse*; do
    [ -f "$program" ] || continue
    if grep -qa 'ZPULSE_CRASH' "$program"; then
        echo "$program: was built with crash points"
        bad=1
    fi
done
exit $bad
