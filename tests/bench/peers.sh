# peers - what others pay to watch this machine each second, beside our agent in the same minutes.
#
# Sourced by bench.sh, whose words (dir, pids, free, cpu_ns, say, ratio) it uses. A peer that is not
# installed is left out: prometheus-node-exporter, collectd-core and netdata-core of Debian 12. All
# sample once a second, of what our agent samples too, and store nothing on disk:
# the exporter is asked by HTTP, collectd sends to a port of this machine on which nobody listens,
# netdata runs its proc plugin alone and keeps what it has in memory.
declare -A peer_pid peer_cpu peer_said

peer_exporter() {
    local port=$1 c words=()
    for c in cpu cpu.info cpufreq diskstats filefd filesystem hwmon loadavg meminfo netdev netstat os \
        pressure processes sockstat softnet stat thermal_zone time uname vmstat; do
        words+=("--collector.$c")
    done
    prometheus-node-exporter --web.listen-address=127.0.0.1:"$port" --collector.disable-defaults \
        "${words[@]}" 2>"$dir/exporter.log" &
    pids+=($!)
    peer_pid[node_exporter]=$!
    # Whoever asks it is a process of its own and not counted.
    (while sleep 1; do
        exec 3<>"/dev/tcp/127.0.0.1/$port" && printf 'GET /metrics HTTP/1.0\r\n\r\n' >&3 &&
            cat <&3 >"$dir/exporter.txt"
        exec 3<&-
    done) 2>/dev/null &
    pids+=($!)
}

peer_collectd() {
    local p
    {
        printf 'BaseDir "%s"\nPIDFile "%s/collectd.pid"\nInterval 1\n' "$dir" "$dir"
        for p in contextswitch cpu df disk fhcount interface load memory network processes \
            protocols swap tcpconns uptime vmem; do
            echo "LoadPlugin $p"
        done
        printf '<Plugin network>\nServer "127.0.0.1" "%s"\n</Plugin>\n' "$1"
    } >"$dir/collectd.conf"
    collectd -f -C "$dir/collectd.conf" >"$dir/collectd.log" 2>&1 &
    pids+=($!)
    peer_pid[collectd]=$!
}

peer_netdata() {
    local p
    mkdir -p "$dir/netdata"
    {
        printf '[global]\nrun as user = %s\nhostname = bench\n' "$(id -un)"
        printf '[db]\nmode = ram\nupdate every = 1\nretention = 600\n'
        for p in lib cache log; do printf '[directories]\n%s = %s/netdata\n' $p "$dir"; done
        printf '[web]\nmode = none\n[health]\nenabled = no\n[ml]\nenabled = no\n[statsd]\nenabled = no\n'
        echo '[plugins]'
        for p in timex checks idlejitter tc diskspace cgroups 'enable running new plugins' statsd \
            ioping apps charts.d fping nfacct perf python.d slabinfo xenstat debugfs go.d; do
            echo "$p = no"
        done
        echo 'proc = yes'
    } >"$dir/netdata.conf"
    netdata -D -c "$dir/netdata.conf" -P "$dir/netdata.pid" >"$dir/netdata.log" 2>&1 &
    pids+=($!)
    peer_pid[netdata]=$!
}

peers_start() { # PORT of three that are free
    command -v prometheus-node-exporter >/dev/null && peer_exporter "$1"
    command -v collectd >/dev/null && peer_collectd $(($1 + 1))
    command -v netdata >/dev/null && peer_netdata
    return 0
}

peers_begin() {
    local p
    for p in "${!peer_pid[@]}"; do peer_cpu[$p]=$(cpu_ns "${peer_pid[$p]}"); done
}

peers_end() { # SECONDS AGENT_US: keeps what is to be said
    local p us mib
    for p in "${!peer_pid[@]}"; do
        us=$(awk -v a="${peer_cpu[$p]}" -v b="$(cpu_ns "${peer_pid[$p]}")" -v s="$1" \
            'BEGIN { printf "%.0f", (b - a) / 1e3 / s }')
        mib=$(awk '$1 == "Rss:" { printf "%.1f", $2 / 1024 }' /proc/"${peer_pid[$p]}"/smaps_rollup)
        peer_said[$p]="$us, $(ratio "$us" "$2" '%.1f'), $mib"
    done
}

peers_say() {
    local p
    for p in node_exporter collectd netdata; do
        [ -n "${peer_said[$p]:-}" ] &&
            say "$p: CPU us a second, times the agent's, RSS MiB" "${peer_said[$p]}" ''
    done
    return 0
}
