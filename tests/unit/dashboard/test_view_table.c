// view_table - each family of series, and the columns that are made of it.

#include "dashboard/view.h"
#include "tests/unit/dashboard/room.h"

#define T0 INT64_C(1700000000000)

// A series with its values at two ticks, a second apart.
struct given {
    const char *metric;
    const char *label[4]; // name, value, name, value
    double first, second;
};
struct wanted {
    const char *id;
    const char *unit;
    const char *name;
    double value; // at the second tick
};
struct family {
    struct given given[10];
    struct wanted wanted[10];
};

#define ONE(metric, first, second)      \
    {                                   \
        metric, { NULL }, first, second \
    }
#define DEV(metric, first, second)                 \
    {                                              \
        metric, { "device", "sda" }, first, second \
    }
#define NET(metric, first, second)                  \
    {                                               \
        metric, { "device", "eth0" }, first, second \
    }
#define FS(metric, value)                                                \
    {                                                                    \
        metric, { "mountpoint", "/srv", "fstype", "ext4" }, value, value \
    }

static const struct family families[] = {
    { .given = { DEV("node_disk_read_bytes_total", 1000, 5096),
                 DEV("node_disk_written_bytes_total", 0, 512),
                 DEV("node_disk_reads_completed_total", 10, 14),
                 DEV("node_disk_writes_completed_total", 7, 7),
                 DEV("node_disk_io_time_seconds_total", 1, 1.25),
                 DEV("node_disk_io_time_weighted_seconds_total", 1, 2.5),
                 DEV("node_disk_read_time_seconds_total", 1, 1.002),
                 DEV("node_disk_write_time_seconds_total", 1, 1) },
      .wanted = { { "disk.read.sda", "bytes_per_second", "sda", 4096 },
                  { "disk.write.sda", "bytes_per_second", "sda", 512 },
                  { "disk.reads.sda", "per_second", "sda", 4 },
                  { "disk.writes.sda", "per_second", "sda", 0 },
                  { "disk.busy.sda", "percent", "sda", 25 },
                  { "disk.queue.sda", "count", "sda", 1.5 },
                  { "disk.read_wait.sda", "seconds", "sda", 0.0005 },
                  { "disk.write_wait.sda", "seconds", "sda", NAN } } }, // no operation, no wait
    { .given = { DEV("node_disk_io_time_seconds_total", 1, 2.25) },
      .wanted = { { "disk.busy.sda", "percent", "sda", 100 } } },
    { .given = { FS("node_filesystem_size_bytes", 1000), FS("node_filesystem_free_bytes", 400),
                 FS("node_filesystem_avail_bytes", 350), FS("node_filesystem_files", 200),
                 FS("node_filesystem_files_free", 150) },
      .wanted = { { "fs.size./srv", "bytes", "/srv", 1000 },
                  { "fs.used./srv", "bytes", "/srv", 600 },
                  { "fs.avail./srv", "bytes", "/srv", 350 },
                  { "fs.use./srv", "percent", "/srv", 600.0 / 950 * 100 },
                  { "fs.inodes./srv", "percent", "/srv", 25 } } },
    // A filesystem without inodes has no share of them.
    { .given = { FS("node_filesystem_files", 0), FS("node_filesystem_files_free", 0) },
      .wanted = { { "fs.inodes./srv", "percent", "/srv", NAN } } },
    { .given = { NET("node_network_receive_bytes_total", 0, 1000),
                 NET("node_network_transmit_bytes_total", 0, 2000),
                 NET("node_network_receive_packets_total", 0, 3),
                 NET("node_network_transmit_packets_total", 0, 4),
                 NET("node_network_receive_errs_total", 0, 5),
                 NET("node_network_transmit_errs_total", 0, 6),
                 NET("node_network_receive_drop_total", 0, 7),
                 NET("node_network_transmit_drop_total", 0, 8) },
      .wanted = { { "net.rx.eth0", "bits_per_second", "eth0", 8000 },
                  { "net.tx.eth0", "bits_per_second", "eth0", 16000 },
                  { "net.rx_packets.eth0", "per_second", "eth0", 3 },
                  { "net.tx_packets.eth0", "per_second", "eth0", 4 },
                  { "net.rx_errors.eth0", "per_second", "eth0", 5 },
                  { "net.tx_errors.eth0", "per_second", "eth0", 6 },
                  { "net.rx_drops.eth0", "per_second", "eth0", 7 },
                  { "net.tx_drops.eth0", "per_second", "eth0", 8 } } },
    { .given = { ONE("node_pressure_cpu_waiting_seconds_total", 0, 0.1),
                 ONE("node_pressure_memory_waiting_seconds_total", 0, 0.2),
                 ONE("node_pressure_memory_stalled_seconds_total", 0, 0.3),
                 ONE("node_pressure_io_waiting_seconds_total", 0, 0.4),
                 ONE("node_pressure_io_stalled_seconds_total", 0, 0.5),
                 ONE("node_pressure_irq_stalled_seconds_total", 0, 1.01) },
      .wanted = { { "psi.cpu.some", "percent", NULL, 10 },
                  { "psi.memory.some", "percent", NULL, 20 },
                  { "psi.memory.full", "percent", NULL, 30 },
                  { "psi.io.some", "percent", NULL, 40 },
                  { "psi.io.full", "percent", NULL, 50 },
                  { "psi.irq.full", "percent", NULL, 100 } } },
    { .given = { ONE("node_netstat_Tcp_CurrEstab", 1, 2), ONE("node_sockstat_TCP_inuse", 1, 3),
                 ONE("node_sockstat_TCP_orphan", 1, 4), ONE("node_sockstat_TCP_tw", 1, 5),
                 ONE("node_sockstat_TCP_alloc", 1, 6), ONE("node_sockstat_UDP_inuse", 1, 7),
                 ONE("node_sockstat_sockets_used", 1, 8) },
      .wanted = { { "tcp.established", "count", NULL, 2 },
                  { "tcp.inuse", "count", NULL, 3 },
                  { "tcp.orphan", "count", NULL, 4 },
                  { "tcp.tw", "count", NULL, 5 },
                  { "tcp.alloc", "count", NULL, 6 },
                  { "udp.inuse", "count", NULL, 7 },
                  { "sockets.used", "count", NULL, 8 } } },
    { .given = { ONE("node_netstat_Tcp_InSegs", 0, 1), ONE("node_netstat_Tcp_OutSegs", 0, 2),
                 ONE("node_netstat_Tcp_RetransSegs", 0, 3),
                 ONE("node_netstat_TcpExt_ListenDrops", 0, 4),
                 ONE("node_netstat_Tcp_OutRsts", 0, 5), ONE("node_netstat_Tcp_ActiveOpens", 0, 6),
                 ONE("node_netstat_Tcp_PassiveOpens", 0, 7),
                 ONE("node_netstat_Udp_InDatagrams", 0, 8),
                 ONE("node_netstat_Udp_OutDatagrams", 0, 9),
                 ONE("node_netstat_Udp_InErrors", 0, 10) },
      .wanted = { { "tcp.in", "per_second", NULL, 1 },
                  { "tcp.out", "per_second", NULL, 2 },
                  { "tcp.retrans", "per_second", NULL, 3 },
                  { "tcp.listen_drops", "per_second", NULL, 4 },
                  { "tcp.resets", "per_second", NULL, 5 },
                  { "tcp.active_opens", "per_second", NULL, 6 },
                  { "tcp.passive_opens", "per_second", NULL, 7 },
                  { "udp.in", "per_second", NULL, 8 },
                  { "udp.out", "per_second", NULL, 9 },
                  { "udp.errors", "per_second", NULL, 10 } } },
    { .given = { { "node_hwmon_temp_celsius", { "chip", "pci_3", "sensor", "temp1" }, 40, 41.5 },
                 { "node_hwmon_temp_celsius", { "chip", "pci_3", "sensor", "temp2" }, 30, 31 },
                 { "node_hwmon_fan_rpm", { "chip", "pci_3", "sensor", "fan1" }, 900, 1200 },
                 { "node_thermal_zone_temp", { "type", "acpitz", "zone", "0" }, 20, 27.8 },
                 { "node_cpu_scaling_frequency_hertz", { "cpu", "2" }, 1e9, 2.4e9 } },
      .wanted = { { "freq.2", "hertz", "2", 2.4e9 },
                  { "temp.pci_3/temp1", "celsius", "pci_3/temp1", 41.5 },
                  { "temp.pci_3/temp2", "celsius", "pci_3/temp2", 31 },
                  { "zone.acpitz-0", "celsius", "acpitz-0", 27.8 },
                  { "fan.pci_3/fan1", "rpm", "pci_3/fan1", 1200 } } },
    { .given = { ONE("node_vmstat_pgfault", 0, 5), ONE("node_vmstat_pgmajfault", 0, 6),
                 ONE("node_vmstat_oom_kill", 0, 1), ONE("node_vmstat_pgpgin", 0, 2),
                 ONE("node_vmstat_pgpgout", 0, 3), ONE("node_vmstat_pswpin", 0, 2),
                 ONE("node_vmstat_pswpout", 0, 3) },
      .wanted = { { "swap.in", "bytes_per_second", NULL, 8192 },
                  { "swap.out", "bytes_per_second", NULL, 12288 },
                  { "vm.in", "bytes_per_second", NULL, 2048 },
                  { "vm.out", "bytes_per_second", NULL, 3072 },
                  { "vm.faults", "per_second", NULL, 5 },
                  { "vm.majfaults", "per_second", NULL, 6 },
                  { "vm.oom_kills", "per_second", NULL, 1 } } },
    { .given = { { "node_softnet_processed_total", { "cpu", "0" }, 0, 10 },
                 { "node_softnet_processed_total", { "cpu", "1" }, 5, 25 },
                 { "node_softnet_dropped_total", { "cpu", "0" }, 0, 1 },
                 { "node_softnet_times_squeezed_total", { "cpu", "1" }, 0, 2 } },
      .wanted = { { "softnet.processed", "per_second", NULL, 30 },
                  { "softnet.dropped", "per_second", NULL, 1 },
                  { "softnet.squeezed", "per_second", NULL, 2 } } },
    { .given = { ONE("node_procs_running", 1, 2), ONE("node_processes_pids", 1, 3),
                 ONE("node_processes_threads", 1, 4), ONE("node_filefd_allocated", 1, 5),
                 ONE("node_filefd_maximum", 1, 6) },
      .wanted = { { "procs.running", "count", NULL, 2 },
                  { "procs.total", "count", NULL, 3 },
                  { "threads.total", "count", NULL, 4 },
                  { "files.open", "count", NULL, 5 },
                  { "files.max", "count", NULL, 6 } } },
};

static size_t
add_all(view_t *view, const struct family *f)
{
    size_t n = 0;

    while (n < N_OF(f->given) && f->given[n].metric != NULL) {
        const struct given *g = &f->given[n++];
        struct label_set set = room_labels(g->metric, g->label[0], g->label[1], g->label[2],
                                           g->label[3]);

        assert_true(view_add(view, &set));
        label_set_release(&set);
    }
    view_seal(view);
    assert_int_equal(view_series(view), n);
    return n;
}

static void
each_family_has_its_columns_and_no_other(void **state)
{
    (void) state;
    for (size_t i = 0; i < N_OF(families); i++) {
        const struct family *f = &families[i];
        view_t *view = view_new(NULL, 1000);
        const size_t n = add_all(view, f);
        const struct view_column *columns;
        const size_t n_columns = view_columns(view, &columns);
        double out[N_OF(f->wanted) + 1];

        for (int64_t tick = 0; tick < 2; tick++) {
            view_begin(view, T0 + 1000 * tick);
            for (size_t k = 0; k < n; k++)
                view_take(view, k, T0 + 1000 * tick,
                          tick == 0 ? f->given[k].first : f->given[k].second);
            view_end(view, out);
        }
        assert_in_range(n_columns, 1, N_OF(f->wanted));
        for (size_t k = 0; k < n_columns; k++) {
            const struct wanted *w = &f->wanted[k];

            assert_non_null(w->id);
            assert_string_equal(columns[k].id, w->id);
            assert_string_equal(view_unit_str(columns[k].unit), w->unit);
            if (w->name != NULL)
                assert_string_equal(columns[k].name, w->name);
            else
                assert_null(columns[k].name);
            assert_null(columns[k].metric);
            assert_null(columns[k].color);
            room_same(out[k], w->value);
        }
        assert_true(n_columns == N_OF(f->wanted) || f->wanted[n_columns].id == NULL);
        view_destroy(&view);
    }
}

static void
a_sensor_is_called_what_its_label_says(void **state)
{
    const struct label label[] = { { "__name__", "node_hwmon_sensor_label" },
                                   { "chip", "platform_coretemp_0" },
                                   { "job", "node" },
                                   { "label", "Package id 0" },
                                   { "sensor", "temp1" } };
    struct label_set sets[2] = { room_labels("node_hwmon_temp_celsius", "chip",
                                             "platform_coretemp_0", "sensor", "temp1") };
    const struct view_column *columns;

    (void) state;
    assert_int_equal(label_set_init(&sets[1], label, N_OF(label)), 0);
    for (size_t first = 0; first < 2; first++) {
        view_t *view = view_new(NULL, 1000);

        assert_true(view_add(view, &sets[first]));
        assert_true(view_add(view, &sets[1 - first]));
        view_seal(view);
        assert_int_equal(view_columns(view, &columns), 1);
        assert_string_equal(columns[0].id, "temp.platform_coretemp_0/temp1");
        assert_string_equal(columns[0].name, "Package id 0");
        view_destroy(&view);
    }
    label_set_release(&sets[0]);
    label_set_release(&sets[1]);
}

static void
an_applications_numbers_have_names_units_and_its_colour(void **state)
{
    static const struct {
        const char *metric, *app, *color;
        double given;
        const char *id, *unit, *shown_metric;
        double value;
    } cases[] = {
        { "app_cpu_ratio", "red", "red", 1.5, "app.cpu.red", "percent", NULL, 150 },
        { "app_cpu_ratio", "unnamed", NULL, 0, "app.cpu.unnamed", "percent", NULL, 0 },
        { "app_resident_memory_bytes", "red", "red", 4096, "app.mem.red", "bytes", NULL, 4096 },
        { "app_value", "tcp://127.0.0.1:5557", NULL, 3, "app.value.tcp://127.0.0.1:5557", "count",
          NULL, 3 },
        { "app_heap_bytes", "red", "red", 7, "app.other.app_heap_bytes.red", "bytes",
          "app_heap_bytes", 7 },
        { "app_lag_seconds", "red", "red", .5, "app.other.app_lag_seconds.red", "seconds",
          "app_lag_seconds", .5 },
        { "app_hit_ratio", "red", "red", .5, "app.other.app_hit_ratio.red", "percent",
          "app_hit_ratio", 50 },
        { "app_queue", "red", "red", 9, "app.other.app_queue.red", "count", "app_queue", 9 },
    };
    view_t *view = view_new(NULL, 1000);
    const struct view_column *columns;
    double out[N_OF(cases)];

    (void) state;
    for (size_t i = 0; i < N_OF(cases); i++) {
        struct label_set set = room_app(cases[i].metric, cases[i].app, cases[i].color);

        assert_true(view_add(view, &set));
        label_set_release(&set);
    }
    view_seal(view);
    view_begin(view, T0);
    for (size_t i = 0; i < N_OF(cases); i++)
        view_take(view, i, T0 - 10, cases[i].given);
    view_end(view, out);
    assert_int_equal(view_columns(view, &columns), N_OF(cases));
    for (size_t i = 0; i < N_OF(cases); i++) {
        assert_string_equal(columns[i].id, cases[i].id);
        assert_string_equal(view_unit_str(columns[i].unit), cases[i].unit);
        assert_string_equal(columns[i].name, cases[i].app);
        if (cases[i].color != NULL)
            assert_string_equal(columns[i].color, cases[i].color);
        else
            assert_null(columns[i].color);
        if (cases[i].shown_metric != NULL)
            assert_string_equal(columns[i].metric, cases[i].shown_metric);
        else
            assert_null(columns[i].metric);
        room_same(out[i], cases[i].value);
    }
    view_destroy(&view);
}

// One mounted over another: the kernel gives the upper one's numbers for both.
static void
a_mount_point_that_is_there_twice_counts_once(void **state)
{
    struct label_set sets[] = {
        room_labels("node_filesystem_size_bytes", "device", "/dev/a", "mountpoint", "/srv"),
        room_labels("node_filesystem_size_bytes", "device", "/dev/b", "mountpoint", "/srv"),
    };
    view_t *view = view_new(NULL, 1000);
    const struct view_column *columns;
    double out[8];

    (void) state;
    for (size_t i = 0; i < 2; i++) {
        view_add(view, &sets[i]);
        label_set_release(&sets[i]);
    }
    view_seal(view);
    view_begin(view, T0);
    view_take(view, 0, T0, 1000);
    view_take(view, 1, T0, 1000);
    view_end(view, out);
    view_columns(view, &columns);
    assert_string_equal(columns[0].id, "fs.size./srv");
    room_same(out[0], 1000);
    view_destroy(&view);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_family_has_its_columns_and_no_other),
        cmocka_unit_test(a_sensor_is_called_what_its_label_says),
        cmocka_unit_test(an_applications_numbers_have_names_units_and_its_colour),
        cmocka_unit_test(a_mount_point_that_is_there_twice_counts_once),
    };

    return cmocka_run_group_tests_name("view_table", tests, NULL, NULL);
}
