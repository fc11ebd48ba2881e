// view_table - THE table of columns: which series, taken how, in which unit.

#include <stdlib.h>
#include <string.h>

#include "dashboard/view_inner.h"

// One to a line; its order is that of `cols`. A series is node_exporter's.
// clang-format off
#define NONE    { NULL, NULL, '\0', false }
#define NUMBER(label) { label, NULL, '\0', true }
#define EACH(label)   { label, NULL, '\0', false }
#define SENSOR  { "chip", "sensor", '/', false }
#define ZONE    { "type", "zone", '-', false }
#define T(metric)     { 1, false, "node_" metric, NULL, NULL }
#define MINUS(metric) { -1, false, "node_" metric, NULL, NULL }
#define MAYBE(sign, metric) { sign, true, "node_" metric, NULL, NULL }

#define ONE(id, unit, take, metric) \
    { id, unit, take, VIEW_SUM, 1, 0, NONE, 0, { T(metric) } }
#define GAUGE(id, metric)   ONE(id, VIEW_COUNT, VIEW_VALUE, metric)
#define RATE(id, metric)    ONE(id, VIEW_PER_SECOND, VIEW_RATE, metric)
#define SCALED(id, unit, scale, metric) \
    { id, unit, VIEW_RATE, VIEW_SUM, scale, 0, NONE, 0, { T(metric) } }
#define CPU(mode) \
    { "cpu." mode, VIEW_PERCENT, VIEW_RATE, VIEW_MEAN, 100, 100, NONE, 0, \
      { { 1, false, "node_cpu_seconds_total", "mode", mode } } }
#define MEM(id, key)        ONE(id, VIEW_BYTES, VIEW_VALUE, "memory_" key "_bytes")
#define PRESSURE(id, key) \
    { "psi." id, VIEW_PERCENT, VIEW_RATE, VIEW_SUM, 100, 100, NONE, 0, \
      { T("pressure_" key "_seconds_total") } }
#define DISK(id, unit, metric) \
    { "disk." id, unit, VIEW_RATE, VIEW_SUM, 1, 0, EACH("device"), 0, { T("disk_" metric "_total") } }
// Time of the operations that ended, by how many ended.
#define WAIT(id, time, operations) \
    { "disk." id, VIEW_SECONDS, VIEW_RATE, VIEW_SUM, 1, 0, EACH("device"), 1, \
      { T("disk_" time "_seconds_total"), T("disk_" operations "_completed_total") } }
#define NET(id, metric) \
    { "net." id, VIEW_PER_SECOND, VIEW_RATE, VIEW_SUM, 1, 0, EACH("device"), 0, \
      { T("network_" metric "_total") } }
#define NET_BITS(id, metric) \
    { "net." id, VIEW_BITS_PER_SECOND, VIEW_RATE, VIEW_SUM, 8, 0, EACH("device"), 0, \
      { T("network_" metric "_bytes_total") } }
// One mounted over another gives its numbers for both: the mean of equal ones is right, a sum not.
#define FS(id, unit, scale, most, over, ...) \
    { "fs." id, unit, VIEW_VALUE, VIEW_MEAN, scale, most, EACH("mountpoint"), over, { __VA_ARGS__ } }
#define FS_SIZE  T("filesystem_size_bytes")
#define FS_FREE  MINUS("filesystem_free_bytes")
#define FS_AVAIL T("filesystem_avail_bytes")
#define APP(id, unit, scale) \
    { id, unit, VIEW_VALUE, VIEW_SUM, scale, 0, EACH("app"), 0, { { 0, false, NULL, NULL, NULL } } }
#define APP_RATE(id) \
    { id, VIEW_PER_SECOND, VIEW_RATE, VIEW_SUM, 1, 0, EACH("app"), 0, \
      { { 0, false, NULL, NULL, NULL } } }

static const struct view_def defs[] = {
    CPU("user"),
    CPU("nice"),
    CPU("system"),
    CPU("iowait"),
    CPU("irq"),
    CPU("softirq"),
    CPU("steal"),
    CPU("idle"),
    // The busy modes are added up, rather than 100 less idle and iowait: those two may fall in
    // the kernel, and the sum of the others can not be below zero.
    { "core", VIEW_PERCENT, VIEW_RATE, VIEW_SUM, 100, 100, NUMBER("cpu"), 0,
      { { 1, false, "node_cpu_seconds_total", "mode", "user|nice|system|irq|softirq|steal" } } },
    { "freq", VIEW_HERTZ, VIEW_VALUE, VIEW_SUM, 1, 0, NUMBER("cpu"), 0,
      { T("cpu_scaling_frequency_hertz") } },
    MEM("mem.total", "MemTotal"),
    // SReclaimable: a kernel before 2.6.19 has no such line.
    { "mem.used", VIEW_BYTES, VIEW_VALUE, VIEW_SUM, 1, 0, NONE, 0,
      { T("memory_MemTotal_bytes"), MINUS("memory_MemFree_bytes"), MINUS("memory_Buffers_bytes"),
        MINUS("memory_Cached_bytes"), MAYBE(-1, "memory_SReclaimable_bytes") } },
    { "mem.cached", VIEW_BYTES, VIEW_VALUE, VIEW_SUM, 1, 0, NONE, 0,
      { T("memory_Cached_bytes"), MAYBE(1, "memory_SReclaimable_bytes") } },
    MEM("mem.buffers", "Buffers"),
    MEM("mem.free", "MemFree"),
    MEM("mem.available", "MemAvailable"),
    MEM("swap.total", "SwapTotal"),
    { "swap.used", VIEW_BYTES, VIEW_VALUE, VIEW_SUM, 1, 0, NONE, 0,
      { T("memory_SwapTotal_bytes"), MINUS("memory_SwapFree_bytes") } },
    // /proc/vmstat counts swapping in pages, which are 4 KiB here, and paging in KiB.
    SCALED("swap.in", VIEW_BYTES_PER_SECOND, 4096, "vmstat_pswpin"),
    SCALED("swap.out", VIEW_BYTES_PER_SECOND, 4096, "vmstat_pswpout"),
    SCALED("vm.in", VIEW_BYTES_PER_SECOND, 1024, "vmstat_pgpgin"),
    SCALED("vm.out", VIEW_BYTES_PER_SECOND, 1024, "vmstat_pgpgout"),
    RATE("vm.faults", "vmstat_pgfault"),
    RATE("vm.majfaults", "vmstat_pgmajfault"),
    RATE("vm.oom_kills", "vmstat_oom_kill"),
    ONE("load.1", VIEW_LOAD, VIEW_VALUE, "load1"),
    ONE("load.5", VIEW_LOAD, VIEW_VALUE, "load5"),
    ONE("load.15", VIEW_LOAD, VIEW_VALUE, "load15"),
    PRESSURE("cpu.some", "cpu_waiting"),
    PRESSURE("memory.some", "memory_waiting"),
    PRESSURE("memory.full", "memory_stalled"),
    PRESSURE("io.some", "io_waiting"),
    PRESSURE("io.full", "io_stalled"),
    PRESSURE("irq.full", "irq_stalled"),
    GAUGE("procs.running", "procs_running"),
    GAUGE("procs.blocked", "procs_blocked"),
    GAUGE("procs.total", "processes_pids"),
    GAUGE("threads.total", "processes_threads"),
    GAUGE("files.open", "filefd_allocated"),
    GAUGE("files.max", "filefd_maximum"),
    RATE("sys.context_switches", "context_switches_total"),
    RATE("sys.interrupts", "intr_total"),
    RATE("sys.forks", "forks_total"),
    DISK("read", VIEW_BYTES_PER_SECOND, "read_bytes"),
    DISK("write", VIEW_BYTES_PER_SECOND, "written_bytes"),
    DISK("reads", VIEW_PER_SECOND, "reads_completed"),
    DISK("writes", VIEW_PER_SECOND, "writes_completed"),
    { "disk.busy", VIEW_PERCENT, VIEW_RATE, VIEW_SUM, 100, 100, EACH("device"), 0,
      { T("disk_io_time_seconds_total") } },
    DISK("queue", VIEW_COUNT, "io_time_weighted_seconds"),
    WAIT("read_wait", "read_time", "reads"),
    WAIT("write_wait", "write_time", "writes"),
    FS("size", VIEW_BYTES, 1, 0, 0, FS_SIZE),
    FS("used", VIEW_BYTES, 1, 0, 0, FS_SIZE, FS_FREE),
    FS("avail", VIEW_BYTES, 1, 0, 0, FS_AVAIL),
    // As df has it: what is kept back for root counts neither as used nor as there.
    FS("use", VIEW_PERCENT, 100, 100, 2, FS_SIZE, FS_FREE, FS_SIZE, FS_FREE, FS_AVAIL),
    FS("inodes", VIEW_PERCENT, 100, 100, 2, T("filesystem_files"), MINUS("filesystem_files_free"),
       T("filesystem_files")),
    NET_BITS("rx", "receive"),
    NET_BITS("tx", "transmit"),
    NET("rx_packets", "receive_packets"),
    NET("tx_packets", "transmit_packets"),
    NET("rx_errors", "receive_errs"),
    NET("tx_errors", "transmit_errs"),
    NET("rx_drops", "receive_drop"),
    NET("tx_drops", "transmit_drop"),
    GAUGE("tcp.established", "netstat_Tcp_CurrEstab"),
    GAUGE("tcp.inuse", "sockstat_TCP_inuse"),
    GAUGE("tcp.orphan", "sockstat_TCP_orphan"),
    GAUGE("tcp.tw", "sockstat_TCP_tw"),
    GAUGE("tcp.alloc", "sockstat_TCP_alloc"),
    GAUGE("udp.inuse", "sockstat_UDP_inuse"),
    GAUGE("sockets.used", "sockstat_sockets_used"),
    RATE("tcp.in", "netstat_Tcp_InSegs"),
    RATE("tcp.out", "netstat_Tcp_OutSegs"),
    RATE("tcp.retrans", "netstat_Tcp_RetransSegs"),
    RATE("tcp.listen_drops", "netstat_TcpExt_ListenDrops"),
    RATE("tcp.resets", "netstat_Tcp_OutRsts"),
    RATE("tcp.active_opens", "netstat_Tcp_ActiveOpens"),
    RATE("tcp.passive_opens", "netstat_Tcp_PassiveOpens"),
    RATE("udp.in", "netstat_Udp_InDatagrams"),
    RATE("udp.out", "netstat_Udp_OutDatagrams"),
    RATE("udp.errors", "netstat_Udp_InErrors"),
    RATE("softnet.processed", "softnet_processed_total"),
    RATE("softnet.dropped", "softnet_dropped_total"),
    RATE("softnet.squeezed", "softnet_times_squeezed_total"),
    { "temp", VIEW_CELSIUS, VIEW_VALUE, VIEW_SUM, 1, 0, SENSOR, 0, { T("hwmon_temp_celsius") } },
    { "zone", VIEW_CELSIUS, VIEW_VALUE, VIEW_SUM, 1, 0, ZONE, 0, { T("thermal_zone_temp") } },
    { "fan", VIEW_RPM, VIEW_VALUE, VIEW_SUM, 1, 0, SENSOR, 0, { T("hwmon_fan_rpm") } },
    // Applications: any metric of theirs has a column; see view_app_def.
    APP("app.cpu", VIEW_PERCENT, 100),
    APP("app.mem", VIEW_BYTES, 1),
    APP("app.value", VIEW_COUNT, 1),
    APP("app.other", VIEW_BYTES, 1),
    APP("app.other", VIEW_SECONDS, 1),
    APP("app.other", VIEW_PERCENT, 100),
    APP_RATE("app.other"),
    APP("app.other", VIEW_COUNT, 1),
};
// clang-format on
#define N_DEFS    (sizeof defs / sizeof defs[0])
#define FIRST_APP (&defs[N_DEFS - 8])
#define APP_OTHER (&defs[N_DEFS - 5])

const char *const view_fact_metrics[] = { "node_os_info", "node_uname_info",
                                          "node_boot_time_seconds", NULL };

static const struct {
    const char *name;
    unsigned decimals;
} units[] = {
    [VIEW_PERCENT] = { "percent", 1 },
    [VIEW_BYTES] = { "bytes", 0 },
    [VIEW_LOAD] = { "load", 2 },
    [VIEW_COUNT] = { "count", 3 },
    [VIEW_PER_SECOND] = { "per_second", 1 },
    [VIEW_BYTES_PER_SECOND] = { "bytes_per_second", 0 },
    [VIEW_BITS_PER_SECOND] = { "bits_per_second", 0 },
    [VIEW_SECONDS] = { "seconds", 6 },
    [VIEW_CELSIUS] = { "celsius", 1 },
    [VIEW_RPM] = { "rpm", 0 },
    [VIEW_HERTZ] = { "hertz", 0 },
};

// The number in the name says the unit, as Prometheus has it.
static const struct {
    const char *suffix;
    size_t at; // of APP_OTHER
} suffixes[] = { { "_bytes", 0 }, { "_seconds", 1 }, { "_ratio", 2 }, { "_total", 3 } };

const char *
view_unit_str(enum view_unit unit)
{
    return units[unit].name;
}

unsigned
view_unit_decimals(enum view_unit unit, double value)
{
    // A queue, or what an application counts, may be a small part of one.
    if (unit == VIEW_COUNT && value > -1 && value < 1)
        return 6;
    return units[unit].decimals;
}

size_t
view_defs(const struct view_def **ret)
{
    *ret = defs;
    return N_DEFS;
}

const struct view_def *
view_app_def(const char *metric)
{
    const size_t n = strlen(metric);

    if (strcmp(metric, "app_cpu_ratio") == 0)
        return FIRST_APP;
    if (strcmp(metric, "app_resident_memory_bytes") == 0)
        return FIRST_APP + 1;
    if (strcmp(metric, "app_value") == 0)
        return FIRST_APP + 2;
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        const size_t length = strlen(suffixes[i].suffix);

        if (n > length && strcmp(metric + n - length, suffixes[i].suffix) == 0)
            return APP_OTHER + suffixes[i].at;
    }
    return APP_OTHER + 4;
}

bool
view_def_names_metric(const struct view_def *def)
{
    return def >= APP_OTHER;
}
