#!/usr/bin/env bash
# bench - the numbers we promise, each beside what it is compared with, in one run on one machine.
#
# usage: tests/bench/bench.sh BUILD       BENCH_SECONDS=60; latency takes five times as long
# BENCH="agent store backlog column identity": which parts; all without it. Of the store's: BENCH_FLEET_ROWS
# and BENCH_PEER_ROWS (600), BENCH_HOST_SECONDS (120; 0: not that).
# Peers that are installed run beside the agent while its cost is measured (peers.sh).
# Out:   a table; the last one that counts is in tests/bench/numbers.md.
set -euo pipefail
# Parts of it speak with the collector by hand, and have no keys.
export ZPULSE_INSECURE=true
build=$1
seconds=${BENCH_SECONDS:-60}
parts=${BENCH:-agent store backlog column identity}
has() { case " $parts " in *" $1 "*) ;; *) return 1 ;; esac }
dir=$(mktemp -d)
pids=()
finish() {
    for p in "${pids[@]}"; do kill -TERM "$p" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$dir"
}
trap finish EXIT

# Ports in a row that nobody listens on.
free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
for ((base = 20000 + RANDOM % 1000 * 10; ; base += 10)); do
    ok=1
    for ((step = 0; step < 25; step++)); do free $((base + step)) || ok=0; done
    ((ok)) && break
done
http=$((base + 5))

get() { # PATH
    exec 3<>"/dev/tcp/127.0.0.1/$http" || return 1
    printf 'GET %s HTTP/1.0\r\nHost: 127.0.0.1:%d\r\n\r\n' "$1" "$http" >&3
    sed '1,/^\r$/d' <&3
    exec 3<&-
}
metric() { # NAME: the sum over its labels
    get /metrics | awk -v name="$1" '{ n = $1; sub(/\{.*/, "", n) } n == name { s += $2 } END { printf "%.0f\n", s }'
}
cpu_ns() { cat /proc/"$1"/task/*/schedstat | awk '{ s += $1 } END { printf "%.0f\n", s }'; }
# Jiffies that the machine was busy, and all of them: others' work makes every latency longer.
jiffies() { awk '/^cpu / { for (i = 2; i <= 9; i++) all += $i; print all - $5 - $6, all; exit }' /proc/stat; }
say() { printf '| %-58s | %-22s | %-14s |\n' "$@"; }
ratio() { awk -v a="$1" -v b="$2" -v f="$3" 'BEGIN { printf f, (b == 0 ? 0 : a / b) }'; }

. tests/bench/peers.sh
. tests/bench/store.sh

agent_bench() {
    "$build/bin/zpulse-collector" --data "$dir/collector" --port-base $base 2>"$dir/collector.log" &
    pids+=($!)
    "$build/bin/zpulse-agent" --data "$dir/agent" --collector tcp://127.0.0.1:$base --name bench \
        --app-sub @tcp://127.0.0.1:$((base + 8)) --app-pull @tcp://127.0.0.1:$((base + 9)) --statsd '' 2>"$dir/agent.log" &
    agent=$!
    pids+=("$agent")
    "$build/bin/zpulse-dashboard" --data "$dir/dashboard" --listen 127.0.0.1:$http \
        --collector tcp://127.0.0.1:$base 2>"$dir/dashboard.log" &
    pids+=($!)
    for ((i = 0; i < 200; i++)); do
        get /api/v1/hosts 2>/dev/null | grep -q '"last_ms":[1-9]' && break
        sleep 0.1
    done
    ((i < 200)) || { echo "bench: the programs did not come up" >&2; cat "$dir"/*.log >&2; exit 1; }
    peers_start $((base + 6))
    sleep 15 # caches, tables and first key frames behind us; netdata takes some seconds to begin

    read -r busy all < <(jiffies)
    "$build/tests/bench/streamlag" $http bench $((seconds * 5)) >"$dir/lag" &
    lag=$!
    bytes=$(metric zpulse_agent_bytes_sent_total)
    samples=$(metric zpulse_agent_samples_total)
    peers_begin
    cpu=$(cpu_ns "$agent")
    start=$(date +%s%N)
    eval "$("$build/tests/bench/procfloor" "$seconds")"
    agent_us=$(awk -v a="$cpu" -v b="$(cpu_ns "$agent")" -v t0="$start" -v t1="$(date +%s%N)" \
        'BEGIN { printf "%.1f", (b - a) / 1e3 / ((t1 - t0) / 1e9) }')
    peers_end "$seconds" "$agent_us"
    bytes=$(($(metric zpulse_agent_bytes_sent_total) - bytes))
    samples=$(($(metric zpulse_agent_samples_total) - samples))
    rollup() { awk -v k="$1:" '$1 == k { printf "%.2f", $2 / 1024 }' /proc/"$agent"/smaps_rollup; }
    anonymous=$(rollup Anonymous)
    resident=$(rollup Rss)
    wait $lag
    lag=$(cat "$dir/lag")
    read -r busy_end all_end < <(jiffies)

    say "agent: CPU us a second over $seconds s" "$agent_us" '<= 600'
    say "floor: the same files read, CPU us a second, same run" "$floor_us_per_s" ''
    say 'agent against the floor' "$(ratio "$agent_us" "$floor_us_per_s" '%.2f')" '<= 3'
    say "agent: CPU ns a sample" "$(awk -v us="$agent_us" -v n="$samples" -v s="$seconds" 'BEGIN { printf "%.0f", us * 1e3 / (n / s) }')" ''
    peers_say
    say 'agent: anonymous memory, MiB' "$anonymous" '<= 2.5'
    say 'agent: resident memory, MiB' "$resident" '<= 9'
    say 'agent: samples a second' "$(ratio "$samples" "$seconds" '%.0f')" ''
    say 'agent: wire bytes a sample, this host, keys included' "$(ratio "$bytes" "$samples" '%.3f')" '<= 0.4'
    "$build/tests/bench/wirebytes" | while IFS=: read -r what seen; do
        say "wirebytes: $what" "$(sed 's/^ *\([0-9.]*\) .*/\1/' <<<"$seen")" "$( [[ $what == *500* ]] && echo '<= 1.1')"
    done
    say "tick's stamp to event read, ms p50, over $((seconds * 5)) s" "$(sed 's/.*p50_ms=\([^ ]*\).*/\1/' <<<"$lag")" ''
    say "tick's stamp to event read, ms p99" "$(sed 's/.*p99_ms=\([^ ]*\).*/\1/' <<<"$lag")" '<= 20'
    say "tick's stamp to event read: events, missing" "$(sed 's/events=\([^ ]*\).*missing=\(.*\)/\1, \2/' <<<"$lag")" '0 missing'
    say 'the machine meanwhile: percent busy, all cores' "$(ratio $(((busy_end - busy) * 100)) $((all_end - all)) '%.1f')" 'a few'
    page=$(node tests/bench/page.mjs "http://127.0.0.1:$http" bench $((seconds / 2)))
    say 'page: gzipped bytes of all that / loads' "$(sed 's/gz_bytes=\([^ ]*\).*/\1/' <<<"$page")" '<= 92160'
    say 'page: navigation to first painted sample, ms, middle of 10' "$(sed 's/.*first_ms=\([^ ]*\).*/\1/' <<<"$page")" ''
    say "page: share of the main thread over $((seconds / 2)) s, percent" "$(sed 's/.*main_share=\([^ ]*\).*/\1/' <<<"$page")" ''
    say 'page: the same with every section open' "$(sed 's/.*main_share_all=//' <<<"$page")" '<= 15'
}

backlog_bench() {
    mkdir "$dir/backlog"
    "$build/tests/bench/backlog" "$build" "$dir/backlog" | while IFS=: read -r what seen; do
        say "$what" "${seen# }" ''
    done
}

column_bench() {
    column_goal() {
        case $1 in 'fleet, 128'*'bytes a sample') echo '<= 0.77' ;; *'M a second') echo '>= 200' ;; esac
    }
    "$build/tests/bench/column" $((seconds < 60 ? seconds : 60)) | while IFS=: read -r what seen; do
        say "column: $what" "${seen# }" "$(column_goal "$what")"
    done
}

# The same agent twice, side by side: one with keys, one without, each with a collector of its own.
identity_agents() {
    local kind word base_of agents=() cpu=() at=0 keys=$dir/identity-keys token server
    for kind in plain keys; do
        base_of=$((base + 10 * at))
        word=--insecure
        [[ $kind == plain ]] || word=--keys=$keys
        "$build/bin/zpulse-collector" --data "$dir/identity-$kind" --port-base $base_of "$word" 2>"$dir/identity.log" &
        pids+=($!)
        if [[ $kind == keys ]]; then
            for ((i = 0; i < 100; i++)); do [[ -s $keys/operator.pub ]] && break; sleep 0.1; done
            read -r token server < <("$build/bin/zpulse" enrol --new --name bench --keys "$keys" --collector tcp://127.0.0.1:$base_of 2>/dev/null |
                sed -n "s/.*--server-key '\\([^']*\\)' --token \\([^ ]*\\).*/\\2 \\1/p")
            "$build/bin/zpulse-agent" --enrol tcp://127.0.0.1:$base_of --token "$token" --server-key "$server" --keys "$dir/identity-agent" >/dev/null
            word=--keys=$dir/identity-agent
        fi
        "$build/bin/zpulse-agent" --data "$dir/identity-agent-$kind" --collector tcp://127.0.0.1:$base_of --name bench "$word" \
            --app-sub '' --app-pull '' --statsd '' 2>"$dir/identity-agent-$kind.log" &
        pids+=($!)
        agents+=($!)
        at=$((at + 1))
    done
    sleep 10
    for at in 0 1; do cpu[at]=$(cpu_ns "${agents[at]}"); done
    sleep "$seconds"
    for at in 0 1; do
        kind=$( ((at)) && echo keys || echo plain)
        say "agent alone: CPU us a second over $seconds s, $kind" "$(awk -v a="${cpu[at]}" -v b="$(cpu_ns "${agents[at]}")" -v s="$seconds" \
            'BEGIN { printf "%.1f", (b - a) / 1e3 / s }')" ''
        say "agent alone: resident, anonymous memory, MiB, $kind" "$(awk '$1 == "Rss:" { r = $2 } $1 == "Anonymous:" { a = $2 }
            END { printf "%.2f, %.2f", r / 1024, a / 1024 }' "/proc/${agents[at]}/smaps_rollup")" ''
    done
}

identity_bench() {
    unset ZPULSE_INSECURE # each of its programs says which it is
    say 'load average' "$(load_now)" ''
    unset ZPULSE_INSECURE # each program is told by itself
    mkdir "$dir/identity"
    "$build/tests/bench/identity" "$build/bin/zpulse-collector" "$dir/identity" | while IFS= read -r line; do
        say "${line%: *}" "${line##*: }" ''
    done
    identity_agents
}

printf '%s, %s, %d cores, kernel %s, %s\n\n' "$(date -u +%Y-%m-%d)" \
    "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" "$(nproc)" "$(uname -r)" \
    "$(. /etc/os-release && echo "$PRETTY_NAME")"
say what seen goal
say ---------------------------------------------------------- ---------------------- --------------
for part in agent store backlog column identity; do
    if has $part; then ${part}_bench; fi
done
