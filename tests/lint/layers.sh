#!/bin/sh
# layers - who may include whom. Prints every include that steps outside; 1 if any did.
#
# usage: layers.sh [ROOT]
# Only quoted includes are ours, and they are written from the top of the tree. An inner folder
# has a row of its own: the row of the folder above does not reach into it.
set -eu
rows=$(cd "$(dirname "$0")" && pwd)/layers.sh
cd "${1:-$(dirname "$0")/../..}"
bad=0
may() { # FOLDER ALLOWED: quoted includes in FOLDER's own files start with one of ALLOWED
    for f in "$1"/*.[ch]; do
        [ -f "$f" ] || continue
        if grep -Hn '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' "$f" |
            grep -vE "#[[:space:]]*include[[:space:]]*\"($2)"; then bad=1; fi
    done
}
base=shared/base/ model="$base|shared/model/" wire="$model|shared/wire/" all="$wire|shared/net/"
may shared/base        "$base"
may shared/model       "$model"
may shared/wire        "$wire"
may shared/net         "$all"
may agent              "$all|agent/[a-z_]*\.h|agent/proc/"
may agent/proc         "$model|agent/proc/|agent/series_table\.h"
may agent/client       "$wire|agent/client/"
may collector          "$all|collector/[a-z_]*\.h|collector/store/(store|store_folder|store_lane|local_store)\.h"
# Open tiles keep the bodies of rows as the wire has them.
may collector/store    "$model|collector/store/|shared/wire/(body|row_codec|row_pick)\.h"
may collector/query    "$model|collector/query/|collector/store/store\.h"
may collector/remote   "$all|collector/remote/|collector/store/store\.h"
may collector/alert    "$all|collector/alert/|collector/query/query\.h"
# The command line knows no engine and no journal. Of the store it has the files alone: how they are
# opened beside their writer, copied and checked stands once, for both programs.
may collector/ctl      "$all|collector/ctl/|collector/store/(block_db|block_name|event_db|meta_db|sqlite_copy|store_folder|tile)\.h"
may dashboard          "$all|dashboard/"
may tests/support      "$all|tests/support/"
# A program that leaves behind what an agent does: by the agent's own code, so that the two are one.
may tests/backlog      "$all|agent/[a-z_]*\.h|tests/support/"
may tests/flow         "$all|tests/support/"
may tests/fault        "$all|tests/support/"
may tests/unit/shared    "$all|tests/unit/shared/|tests/support/"
may tests/unit/agent     "$all|agent/|tests/unit/agent/|tests/support/"
may tests/unit/collector "$all|collector/[a-z_]*\.h|collector/(store|query|remote|alert)/|tests/unit/collector/|tests/support/"
may tests/unit/ctl       "$all|collector/ctl/|collector/store/|tests/unit/ctl/|tests/support/"
may tests/unit/dashboard "$all|dashboard/|tests/unit/dashboard/|tests/support/"

# A folder that no row knows would be looked at by nobody.
for d in $(find shared agent collector dashboard -name node_modules -prune -o -name '*.[ch]' -print |
    sed 's,/[^/]*$,,' | sort -u); do
    grep -q "^may $d " "$rows" || { echo "$d: no row in tests/lint/layers.sh"; bad=1; }
done
# File = module = test: a base name stands once in the tree, main.c aside, and control: its messages
# (shared/wire) and the collector's side of them.
find shared agent collector dashboard -name node_modules -prune -o -name '*.[ch]' -print |
    sed 's,.*/,,' | grep -vE '^(main|control)\.[ch]$' | sort | uniq -d | sed 's/$/: this name stands twice/' |
    grep . && bad=1
exit $bad
