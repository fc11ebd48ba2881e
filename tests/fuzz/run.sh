#!/usr/bin/env bash
# run - each fuzzer for FUZZ_SECONDS, side by side as far as there are cores; 1 if any found something.
#
# usage: tests/fuzz/run.sh BUILD FUZZER...
# Seeds: tests/fuzz/corpus/X of fuzz_X, golden messages (tests/data/wire), files of /proc (tests/data/proc).
set -uo pipefail
build=$1
shift
(($# > 0)) || { echo "fuzz: no fuzzer"; exit 1; }
mkdir -p "$build/logs"
rm -f "$build"/logs/*.failed

one() { # FUZZER
    local name seeds=() found
    name=$(basename "$1")
    found=$build/corpus/$name
    mkdir -p "$found"
    for d in "tests/fuzz/corpus/${name#fuzz_}" tests/data/wire tests/data/proc; do
        [ -d "$d" ] && seeds+=("$d")
    done
    if "$1" -max_total_time="$FUZZ_SECONDS" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$found-" "$found" "${seeds[@]}" >"$build/logs/$name.log" 2>&1; then
        printf '  %-24s %s runs, nothing found\n' "$name" \
            "$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/logs/$name.log")"
    else
        echo "--- FAILED: $build/logs/$name.log"
        grep -vE '^#[0-9]+' "$build/logs/$name.log" | tail -n 60
        touch "$build/logs/$name.failed"
    fi
}

for f in "$@"; do
    while (($(jobs -rp | wc -l) >= $(nproc))); do
        wait -n
    done
    one "$f" &
done
wait
if ls "$build"/logs/*.failed >/dev/null 2>&1; then
    echo "fuzz: $# fuzzers, $FUZZ_SECONDS s each: FAILED"
    exit 1
fi
echo "fuzz: $# fuzzers, $FUZZ_SECONDS s each: nothing found"
