# store - the collector and its store: what goes in a second, what it takes, how it comes back.
#
# Sourced by bench.sh, whose words (build, dir, say, ratio, cpu_ticks) it uses.
# Out:   lines of the table. Beside it VictoriaMetrics, where Debian's package is installed: the same
#        samples on the same core in the same run.
fleet_rows=${BENCH_FLEET_ROWS:-600}
peer_rows=${BENCH_PEER_ROWS:-$fleet_rows}
host_seconds=${BENCH_HOST_SECONDS:-120}

store_goal() { # WHAT LINE
    case "$1: $2" in
        'long: durable'*) echo '>= 20 M' ;;
        'fleet: CPU seconds'* | 'long: CPU seconds'*) echo '<= 0.05' ;;
        'many: durable'*) echo '>= 10 M' ;;
        'many: CPU seconds'*) echo '<= 0.1' ;;
        'many: resident bytes a series, with its samples too') echo '<= 200' ;;
        'fleet: disk bytes a sample, all'* | 'long: disk bytes a sample, all'*) echo '<= 0.80' ;;
        *'start to first ACK, ms') echo '<= 200' ;;
        *) echo '' ;;
    esac
}
store_lines() { # WHAT: of "name: value" on stdin
    local line seen
    while IFS= read -r line; do
        seen=${line##*: }
        say "$1: ${line%: *}" "$seen" "$(store_goal "$1" "${line%: *}")"
    done
}
load_now() { cut -d' ' -f1-3 /proc/loadavg; }

store_ingest() { # WHAT HOSTS SERIES ROWS
    local what=$1
    say "$what: $2 hosts of $3 series, $4 s; load average" "$(load_now)" ''
    shift
    "$build/tests/bench/ingest" "$build/bin/zpulse-collector" "$dir/$what" "$@" | store_lines "$what"
}

# What a host of today takes, this one: the agent's own samples, each once.
store_host() {
    local collector agent tiles samples payload bytes meta journal
    say "this host: its agent for $host_seconds s; load average" "$(load_now)" ''
    "$build/bin/zpulse-collector" --data "$dir/host" --port-base $((base + 10)) 2>"$dir/host.log" &
    collector=$!
    pids+=("$collector")
    "$build/bin/zpulse-agent" --data "$dir/host-agent" --collector tcp://127.0.0.1:$((base + 10)) \
        --name this-host --statsd '' 2>>"$dir/host.log" &
    agent=$!
    pids+=("$agent")
    sleep "$host_seconds"
    kill -TERM "$agent"
    wait "$agent" || true
    sleep 3 # its last tile is sealed and committed within a second
    kill -TERM "$collector"
    wait "$collector" || true
    eval "$("$build/tests/bench/storesize" "$dir/host")"
    say 'this host: samples, tiles' "$samples, $tiles" ''
    say 'this host: disk bytes a sample, tiles alone' "$(ratio "$payload" "$samples" '%.3f')" '<= 0.15'
    say 'this host: disk bytes a sample, without meta.db' "$(ratio $((bytes - meta)) "$samples" '%.3f')" ''
    say 'this host: bytes of meta.db, whatever the time' "$meta" ''
}

cpu_ticks() { awk '{ sub(/.*\) /, ""); print $12 + $13 }' /proc/"$1"/stat; }
tick_per_s=$(getconf CLK_TCK)
vm_get() { curl -fsS -o "${2:-/dev/null}" "http://127.0.0.1:$vm_port$1"; }
vm_start() { # FOLDER
    vm_port=$((base + 20))
    taskset -c 1 victoria-metrics -storageDataPath="$dir/$1" -httpListenAddr=127.0.0.1:$vm_port \
        -retentionPeriod=100y -loggerLevel=ERROR 2>>"$dir/vm.log" &
    vm=$!
    pids+=("$vm")
    for ((i = 0; i < 200; i++)); do
        vm_get /health 2>/dev/null && return 0
        sleep 0.05
    done
    echo 'bench: victoria-metrics did not come up' >&2
    return 1
}
# Until it is on the disk, and merged; then its cost.
vm_settle() { # WHAT SAMPLES SECONDS TICKS FOLDER
    local ticks bytes
    ticks=$(($(cpu_ticks $vm) - $4))
    say "$1, samples a second" "$(ratio "$2" "$3" '%.0f')" ''
    say "$1, CPU seconds a million, at the last answer" \
        "$(awk -v t="$ticks" -v k="$tick_per_s" -v n="$2" 'BEGIN { printf "%.4f", t / k / (n / 1e6) }')" ''
    vm_get /internal/force_flush
    sleep 2
    ticks=$(($(cpu_ticks $vm) - $4))
    say "$1, CPU seconds a million, flushed" \
        "$(awk -v t="$ticks" -v k="$tick_per_s" -v n="$2" 'BEGIN { printf "%.4f", t / k / (n / 1e6) }')" ''
    say "$1, resident MiB at most" "$(awk '$1 == "VmHWM:" { printf "%.0f", $2 / 1024 }' /proc/$vm/status)" ''
    bytes=$(du -sb "$dir/$5" | cut -f1)
    say "$1, disk bytes a sample, flushed" "$(ratio "$bytes" "$2" '%.3f')" ''
    vm_get /internal/force_merge
    for ((still = 0, i = 0; i < 60 && still < 4; i++)); do # what was merged goes later
        sleep 1
        if [ "$bytes" = "$(du -sb "$dir/$5" | cut -f1)" ]; then still=$((still + 1)); else still=0; fi
        bytes=$(du -sb "$dir/$5" | cut -f1)
    done
    say "$1, disk bytes a sample, merged" "$(ratio "$bytes" "$2" '%.3f')" ''
}
vm_stop() {
    kill -TERM $vm
    wait $vm || true
}

store_peer() {
    local samples seconds bytes ticks begin what
    if ! command -v victoria-metrics >/dev/null || ! command -v curl >/dev/null; then
        say 'victoria-metrics is not installed: no peer' '' ''
        return
    fi
    say "peer: 100 hosts of 500 series, $peer_rows s; load average" "$(load_now)" ''
    what='victoria-metrics, influx lines'
    vm_start vm
    ticks=$(cpu_ticks $vm)
    eval "$("$build/tests/bench/peer_ingest" $vm_port 100 500 "$peer_rows")"
    vm_settle "$what" "$samples" "$seconds" "$ticks" vm
    say "$what, wire bytes a sample" "$(ratio "$bytes" "$samples" '%.1f')" ''
    # Its own blocks, made ahead: the fastest import it documents, of what it has exported itself.
    what='victoria-metrics, its own blocks'
    curl -fsS -o "$dir/vm.native" "http://127.0.0.1:$vm_port/api/v1/export/native" -d 'match[]={__name__!=""}'
    vm_stop
    rm -rf "$dir/vm"
    vm_start vm-native
    ticks=$(cpu_ticks $vm)
    begin=$(date +%s%N)
    taskset -c 0 curl -fsS -X POST -T "$dir/vm.native" "http://127.0.0.1:$vm_port/api/v1/import/native"
    seconds=$(awk -v a="$begin" -v b="$(date +%s%N)" 'BEGIN { printf "%.3f", (b - a) / 1e9 }')
    vm_settle "$what" "$samples" "$seconds" "$ticks" vm-native
    vm_stop
    rm -rf "$dir/vm-native" "$dir/vm.native"
}

store_bench() {
    store_ingest fleet 100 500 "$fleet_rows"
    "$build/tests/bench/select" "$dir/fleet" "$fleet_rows" | store_lines select
    "$build/tests/bench/restart" "$build/bin/zpulse-collector" "$dir/fleet" | store_lines 'fleet, ended'
    rm -rf "$dir/fleet"
    "$build/tests/bench/ingest" "$build/bin/zpulse-collector" "$dir/killed" 100 500 "$fleet_rows" kill
    "$build/tests/bench/restart" "$build/bin/zpulse-collector" "$dir/killed" | store_lines 'fleet, killed'
    rm -rf "$dir/killed"
    # Four times as long: what waits for others to be committed with is less of it.
    store_ingest long 100 500 $((4 * fleet_rows))
    rm -rf "$dir/long"
    store_ingest many 10000 100 60
    "$build/tests/bench/restart" "$build/bin/zpulse-collector" "$dir/many" | store_lines 'many, ended'
    rm -rf "$dir/many"
    "$build/tests/bench/series" | store_lines series
    store_peer
    ((host_seconds == 0)) || store_host
}
