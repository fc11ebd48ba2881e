#!/bin/sh
# run_test - run.sh counts cases, and takes nothing that went wrong for a pass.
set -eu
run=$(cd "$(dirname "$0")/.." && pwd)/run.sh
top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
cd "$top"
bad=0

program() { # NAME BODY: what a test program says and does
    printf '#!/bin/sh\n%s\n' "$2" >"$1"
    chmod +x "$1"
}
ends() { # LAST_LINE EXIT_CODE GROUP...
    want=$1 code=$2
    shift 2
    rc=0
    last=$(SAN= LIMIT=2 "$run" build "$@" 2>&1 | tail -n 1) || true
    SAN= LIMIT=2 "$run" build "$@" >/dev/null 2>&1 || rc=$?
    if [ "$last" != "$want" ] || [ "$rc" != "$code" ]; then
        echo "$*: '$last', exit $rc; wanted '$want', exit $code"
        bad=1
    fi
}
program fine    'echo 1..2; echo "ok 1 - a"; echo "ok 2 - b"'
program fails   'echo 1..2; echo "ok 1 - a"; echo "not ok 2 - b"; exit 1'
program crashes 'echo 1..2; echo "ok 1 - a"; kill -SEGV $$'
program leaks   'echo 1..1; echo "ok 1 - a"; exit 23'
program short   'echo 1..3; echo "ok 1 - a"'
program silent  'exit 0'
program hangs   'echo 1..1; sleep 60'
program good.sh 'exit 0'
program bad.sh  'exit 1'
ends '2 passed, 0 failed' 0 'unit=./fine'
ends '3 passed, 0 failed' 0 'unit=./fine' 'lint=./good.sh'
ends '3 passed, 1 failed' 1 'unit=./fine ./fails'
ends '1 passed, 1 failed' 1 'unit=./crashes'
ends '1 passed, 1 failed' 1 'unit=./leaks'
ends '1 passed, 2 failed' 1 'unit=./short'
ends '0 passed, 1 failed' 1 'unit=./silent'
ends '0 passed, 1 failed' 1 'unit=./hangs'
ends '0 passed, 1 failed' 1 'unit=nothing-here'
ends '1 passed, 1 failed' 1 'lint=./good.sh ./bad.sh'
ends '2 passed, 1 failed' 1 'unit=./fine' 'web=none/*.mjs'
exit $bad
