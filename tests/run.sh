#!/usr/bin/env bash
# run - run groups of tests, print what failed, end with "N passed, N failed".
#
# usage: tests/run.sh BUILD 'GROUP=FILES'...
# SAN= says what BUILD was built with; LIMIT= how many seconds a file has, in place of our own.
#
# A file is a cmocka program (told to speak TAP), a *.mjs for node --test, or a *.sh that passes
# with exit code 0. What is counted is test cases, not files. A file that crashes, or is not done
# in time, fails once for that, beside the cases it did fail. A group in which nothing ran fails.
# Files of a group run side by side in the order given, and the groups beside each other: those of
# flow and page mostly wait. Faults run when all else is done, two at a time, since they mostly wait
# as well.
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
    # Freed memory that is held back to catch its use counts as the program's: by itself that is
    # 256 MiB, more than tests allow one that must not grow.
    export ASAN_OPTIONS="detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1"
    ASAN_OPTIONS=$ASAN_OPTIONS:quarantine_size_mb=32
    export UBSAN_OPTIONS="print_stacktrace=1"
    ;;
esac
export SLOW=$slow

# Runs one file; its output goes to LOG, "PASSED FAILED SECONDS" to LOG.count.
one() { # FILE LOG SECONDS
    local file=$1 log=$2 limit=$3 rc passed failed planned start=$SECONDS
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
    echo "$passed $failed $((SECONDS - start))" >"$log.count"
}

# How many files of a group run at once.
jobs_of() { # NAME
    case $1 in
    lint | web) echo 1 ;;
    fault) echo 2 ;;
    flow) echo $(($(nproc) * (slow > 1 ? 1 : 2))) ;;
    *) nproc ;;
    esac
}

# How many seconds a file of a group has.
limit_of() { # NAME
    case $1 in
    page) echo "${LIMIT:-600}" ;;
    flow) echo $((${LIMIT:-240} * slow)) ;;
    # Each claim of a fault waits for recovery, and the random part takes as long as it was told.
    fault) echo $((${LIMIT:-$((240 + ${FAULT_SECONDS:-60} * 2))} * slow)) ;;
    *) echo $((${LIMIT:-120} * slow)) ;;
    esac
}

log_of() { # NAME FILE
    echo "$logs/$1-$(basename "$(dirname "$2")")-$(basename "$2").log"
}

# Runs the files of a group. The counts of each are beside its log.
run_group() { # NAME FILES
    local name=$1 jobs limit file start=$SECONDS
    jobs=$(jobs_of "$name")
    limit=$(limit_of "$name")
    # Unquoted on purpose: a group may be a pattern, which is known only after the build.
    for file in $2; do
        [ -e "$file" ] || continue
        while (($(jobs -rp | wc -l) >= jobs)); do
            wait -n
        done
        one "$file" "$(log_of "$name" "$file")" "$limit" &
    done
    wait
    echo $((SECONDS - start)) >"$logs/$name.seconds"
}

for group in "$@"; do
    [ "${group%%=*}" = fault ] || run_group "${group%%=*}" "${group#*=}" &
done
wait
for group in "$@"; do
    [ "${group%%=*}" != fault ] || run_group fault "${group#*=}"
done

total_passed=0
total_failed=0
for group in "$@"; do
    name=${group%%=*}
    passed=0
    failed=0
    files=0
    slowest=0 slow_file=none
    for file in ${group#*=}; do
        [ -e "$file" ] || continue
        log=$(log_of "$name" "$file")
        # One that left no count was not run.
        read -r p f took 2>/dev/null <"$log.count" || { p=0 f=1 took=0; }
        passed=$((passed + p))
        failed=$((failed + f))
        files=$((files + 1))
        ((took < slowest)) || { slowest=$took slow_file=$(basename "$file"); }
        if ((f > 0)); then
            echo "--- FAILED: $log"
            tail -n 200 "$log"
        fi
    done
    if ((passed + failed == 0)); then
        echo "--- FAILED: no test of group '$name' ran"
        failed=1
    fi
    printf '  %-5s %4d ok, %d not ok, in %d files, %d s (%s %d s)\n' "$name" "$passed" "$failed" \
        "$files" "$(cat "$logs/$name.seconds")" "$slow_file" "$slowest"
    total_passed=$((total_passed + passed))
    total_failed=$((total_failed + failed))
done
echo "$total_passed passed, $total_failed failed"
((total_failed == 0))
