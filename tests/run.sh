#!/usr/bin/env bash
# run - run groups of tests, print what failed, end with "N passed, N failed".
#
# usage: tests/run.sh BUILD 'GROUP=FILES'...
# SAN= says what BUILD was built with; LIMIT= how many seconds a file has, in place of our own.
#
# A file is a cmocka program (told to speak TAP), a *.mjs for node --test, or a *.sh that passes
# with exit code 0. What is counted is test cases, not files. A file that crashes, or is not done
# in time, fails once for that, beside the cases it did fail. A group in which nothing ran fails.
# Files of a group run side by side.
set -uo pipefail

build=$1
shift
logs=$build/logs
rm -rf "$logs" && mkdir -p "$logs"
export BUILD_DIR=$build

slow=1
run=()
case ${SAN:-} in
'') ;;
*thread*)
    slow=8
    # A fixed address space: TSan's shadow memory does not fit beside a random one.
    run=(setarch -R)
    export TSAN_OPTIONS="suppressions=$PWD/tests/lint/tsan.supp halt_on_error=0 exitcode=66"
    ;;
*)
    slow=4
    export ASAN_OPTIONS="detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1"
    export UBSAN_OPTIONS="print_stacktrace=1"
    ;;
esac
export SLOW=$slow

# Runs one file; its output goes to LOG, "PASSED FAILED" to LOG.count.
one() { # FILE LOG SECONDS
    local file=$1 log=$2 limit=$3 rc passed failed planned
    case $file in
    *.mjs) timeout -k 5 "$limit" node --test --test-reporter=tap "$file" ;;
    *.sh) timeout -k 5 "$limit" "$file" ;;
    *) CMOCKA_MESSAGE_OUTPUT=TAP timeout -k 5 "$limit" "${run[@]}" "$file" ;;
    esac >"$log" 2>&1 </dev/null
    rc=$?
    case $file in
    *.mjs)
        passed=$(sed -n 's/^# pass //p' "$log" | tail -n 1)
        failed=$(awk '/^# (fail|cancelled) / { n += $3 } END { print n + 0 }' "$log")
        ;;
    *.sh) passed=$((rc == 0)) failed=$((rc != 0)) ;;
    *)
        passed=$(grep -c '^ok ' "$log")
        failed=$(grep '^not ok ' "$log" | grep -vc '# SKIP')
        planned=$(awk -F'[.]' '/^1[.][.][0-9]+$/ { n += $3 } END { print n + 0 }' "$log")
        # Cases that were promised and never told of.
        ((passed + failed > 0 || planned > 0)) || failed=1
        ((rc > 128 || planned <= passed + failed)) || failed=$((planned - passed))
        ;;
    esac
    passed=${passed:-0}
    if ((rc != 0 && failed == 0)); then
        failed=1
    fi
    if ((rc == 124 || rc == 137)); then
        echo "not done after $limit s" >>"$log"
    elif ((rc > 128)); then
        echo "ended by signal $((rc - 128))" >>"$log"
    fi
    echo "$passed $failed" >"$log.count"
}

total_passed=0
total_failed=0
for group in "$@"; do
    name=${group%%=*}
    files=${group#*=}
    jobs=$(nproc)
    limit=$((${LIMIT:-120} * slow))
    [ "$name" = flow ] && limit=$((${LIMIT:-240} * slow))
    # Faults mostly wait, and each of them waits long.
    [ "$name" = fault ] && jobs=2 limit=$((${LIMIT:-$((240 + ${FAULT_SECONDS:-60} * 2))} * slow))
    [ "$name" = page ] && limit=${LIMIT:-300}
    group_logs=()
    # Unquoted on purpose: a group may be a pattern, which is known only after the build.
    for file in $files; do
        [ -e "$file" ] || continue
        log=$logs/$name-$(basename "$(dirname "$file")")-$(basename "$file").log
        group_logs+=("$log")
        while (($(jobs -rp | wc -l) >= jobs)); do
            wait -n
        done
        one "$file" "$log" "$limit" &
    done
    wait
    passed=0
    failed=0
    for log in "${group_logs[@]}"; do
        read -r p f <"$log.count"
        passed=$((passed + p))
        failed=$((failed + f))
        if ((f > 0)); then
            echo "--- FAILED: $log"
            tail -n 200 "$log"
            # Which it was, and how to have it again.
            grep -h '^not ok\|^FAULT_SEED' "$log" | tail -n 40
        fi
    done
    if ((passed + failed == 0)); then
        echo "--- FAILED: no test of group '$name' ran"
        failed=1
    fi
    printf '  %-5s %4d ok, %d not ok, in %d files\n' "$name" "$passed" "$failed" "${#group_logs[@]}"
    total_passed=$((total_passed + passed))
    total_failed=$((total_failed + failed))
done
echo "$total_passed passed, $total_failed failed"
((total_failed == 0))
