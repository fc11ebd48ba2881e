// diskstats - see the header.
//
// The kernel lists its devices in an order that hardly ever changes, so the series of a line are
// looked for first where they were the tick before. What is found elsewhere is moved there: a tick
// after a change costs a search, the next one none.

#include "agent/proc/diskstats.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/proc/proc_text.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"

#define DISKSTATS_TAG 0x4449534bu // "DISK"
#define FORGET_BEYOND 64u         // devices that have gone are remembered up to so many

// A column's metric.
static const struct column {
    const char *name;
    struct metric_form form; // what the kernel counts in
    const char *help;
} columns[DISKSTATS_FIELDS] = {
    [DISKSTATS_READS] = { "node_disk_reads_completed_total",
                          { 0, 1 },
                          "The total number of reads completed successfully." },
    [DISKSTATS_READS_MERGED] = { "node_disk_reads_merged_total",
                                 { 0, 1 },
                                 "The total number of reads merged." },
    [DISKSTATS_READ_SECTORS] = { "node_disk_read_bytes_total",
                                 { 0, 512 },
                                 "The total number of bytes read successfully." },
    [DISKSTATS_READ_MS] = { "node_disk_read_time_seconds_total",
                            { 3, 1 },
                            "The total number of seconds spent by all reads." },
    [DISKSTATS_WRITES] = { "node_disk_writes_completed_total",
                           { 0, 1 },
                           "The total number of writes completed successfully." },
    [DISKSTATS_WRITES_MERGED] = { "node_disk_writes_merged_total",
                                  { 0, 1 },
                                  "The number of writes merged." },
    [DISKSTATS_WRITTEN_SECTORS] = { "node_disk_written_bytes_total",
                                    { 0, 512 },
                                    "The total number of bytes written successfully." },
    [DISKSTATS_WRITE_MS] = { "node_disk_write_time_seconds_total",
                             { 3, 1 },
                             "This is the total number of seconds spent by all writes." },
    [DISKSTATS_IO_NOW] = { "node_disk_io_now",
                           { 0, 1 },
                           "The number of I/Os currently in progress." },
    [DISKSTATS_IO_MS] = { "node_disk_io_time_seconds_total",
                          { 3, 1 },
                          "Total seconds spent doing I/Os." },
    [DISKSTATS_IO_WEIGHTED_MS] = { "node_disk_io_time_weighted_seconds_total",
                                   { 3, 1 },
                                   "The weighted # of seconds spent doing I/Os." },
    [DISKSTATS_DISCARDS] = { "node_disk_discards_completed_total",
                             { 0, 1 },
                             "The total number of discards completed successfully." },
    [DISKSTATS_DISCARDS_MERGED] = { "node_disk_discards_merged_total",
                                    { 0, 1 },
                                    "The total number of discards merged." },
    [DISKSTATS_DISCARDED_SECTORS] = { "node_disk_discarded_sectors_total",
                                      { 0, 1 },
                                      "The total number of sectors discarded successfully." },
    [DISKSTATS_DISCARD_MS] = { "node_disk_discard_time_seconds_total",
                               { 3, 1 },
                               "This is the total number of seconds spent by all discards." },
    [DISKSTATS_FLUSHES] = { "node_disk_flush_requests_total",
                            { 0, 1 },
                            "The total number of flush requests completed successfully" },
    [DISKSTATS_FLUSH_MS] = { "node_disk_flush_requests_time_seconds_total",
                             { 3, 1 },
                             "This is the total number of seconds spent by all flush requests." },
};

static const struct series_spec info_spec = {
    .name = "node_disk_info",
    .kind = METRIC_INFO,
    .form = { .exponent = 0, .unit = 1 },
    .job = "node",
    .help = "Info of /sys/block/<block_device>.",
};

// A device as its series show it.
struct disk_series {
    char *name; // ours, terminated
    uint32_t name_len;
    bool ignored;  // by the filters, asked once
    uint32_t made; // of slots; more are made when a kernel has more columns
    int64_t major; // as in `info`
    int64_t minor; // as in `info`
    uint32_t info; // slot
    uint32_t slots[DISKSTATS_FIELDS];
};

struct diskstats_state {
    unsigned tag;                // DISKSTATS_TAG
    const name_filter_t *filter; // borrowed; NULL lets everything pass
    struct diskstats stats;      // of the tick at hand
    uint32_t n;                  // of disks
    uint32_t size;               // allocated
    struct disk_series *disks;   // in the order of the last tick; behind them those that have gone
};

static int s_line(struct diskstats_disk *disk, struct proc_text *line);
static struct disk_series *s_series(struct diskstats_state *self, uint32_t at,
                                    const struct diskstats_disk *disk);
static void s_show(struct disk_series *series, series_table_t *table,
                   const struct diskstats_disk *disk);
static void s_forget(struct diskstats_state *self);

int
diskstats_parse(struct diskstats *out, const char *text, size_t len)
{
    struct proc_text rest = proc_text(text, len);
    struct proc_text line;

    out->n = 0;
    while (proc_text_line(&rest, &line)) {
        int rc;

        if (out->n == DISKSTATS_DISKS_MAX)
            return ERR_FORMAT;
        if (out->n == out->size) {
            out->size = out->size == 0 ? 16 : out->size * 2;
            out->disks = xrealloc(out->disks, out->size, sizeof *out->disks);
        }
        rc = s_line(&out->disks[out->n], &line);
        if (rc < 0)
            return rc;
        out->n++;
    }
    return (int) out->n;
}

static int
s_line(struct diskstats_disk *disk, struct proc_text *line)
{
    struct proc_text name;

    if (proc_text_int(line, &disk->major) != 1 || proc_text_int(line, &disk->minor) != 1)
        return ERR_FORMAT;
    name = proc_text_word(line);
    if (proc_text_len(&name) == 0 || proc_text_len(&name) > DISKSTATS_NAME_MAX)
        return ERR_FORMAT;
    disk->name = name.at;
    disk->name_len = (uint32_t) proc_text_len(&name);
    for (disk->fields = 0; disk->fields < DISKSTATS_FIELDS; disk->fields++) {
        const int rc = proc_text_int(line, &disk->values[disk->fields]);

        if (rc < 0)
            return rc;
        if (rc == 0)
            break;
    }
    return disk->fields < DISKSTATS_FIELDS_MIN ? ERR_FORMAT : 0;
}

void
diskstats_release(struct diskstats *stats)
{
    free(stats->disks);
    *stats = (struct diskstats){ 0 };
}

static void *
s_make(const struct proc_setup *setup)
{
    struct diskstats_state *self = xcalloc(1, sizeof *self);

    self->tag = DISKSTATS_TAG;
    self->filter = setup->filters[PROC_FILTER_DISK];
    return self;
}

static int
s_sample(void *arg, series_table_t *table, size_t file, const char *text, size_t len)
{
    struct diskstats_state *self = arg;
    int rc;

    (void) file;
    assert(self->tag == DISKSTATS_TAG);
    rc = diskstats_parse(&self->stats, text, len);
    if (rc < 0)
        return rc;
    for (uint32_t i = 0; i < self->stats.n; i++) {
        struct disk_series *series = s_series(self, i, &self->stats.disks[i]);

        if (!series->ignored)
            s_show(series, table, &self->stats.disks[i]);
    }
    s_forget(self);
    return 0;
}

static bool
s_is(const struct disk_series *series, const struct diskstats_disk *disk)
{
    return series->name_len == disk->name_len &&
           memcmp(series->name, disk->name, disk->name_len) == 0;
}

// The series of the device in line `at`, moved to that place; made where the device is new.
static struct disk_series *
s_series(struct diskstats_state *self, uint32_t at, const struct diskstats_disk *disk)
{
    uint32_t found = at;
    struct disk_series moved;

    while (found < self->n && !s_is(&self->disks[found], disk))
        found++;
    if (found == self->n) {
        if (self->n == self->size) {
            self->size = self->size == 0 ? 16 : self->size * 2;
            self->disks = xrealloc(self->disks, self->size, sizeof *self->disks);
        }
        self->disks[self->n++] = (struct disk_series){
            .name = xstrndup(disk->name, disk->name_len),
            .name_len = disk->name_len,
            .ignored = !name_filter_passes(self->filter, disk->name, disk->name_len),
            .major = -1,
            .minor = -1,
        };
    }
    if (found != at) {
        moved = self->disks[found];
        memmove(&self->disks[at + 1], &self->disks[at], (found - at) * sizeof moved);
        self->disks[at] = moved;
    }
    return &self->disks[at];
}

static uint32_t
s_slot(series_table_t *table, uint32_t field, const struct label *device)
{
    const struct series_spec spec = {
        .name = columns[field].name,
        .kind = field == DISKSTATS_IO_NOW ? METRIC_GAUGE : METRIC_COUNTER,
        .form = columns[field].form,
        .job = "node",
        .help = columns[field].help,
    };

    return series_table_slot(table, &spec, device, 1);
}

static void
s_show(struct disk_series *series, series_table_t *table, const struct diskstats_disk *disk)
{
    const struct label device = { "device", series->name };

    for (; series->made < disk->fields; series->made++)
        series->slots[series->made] = s_slot(table, series->made, &device);
    if (series->major != disk->major || series->minor != disk->minor) {
        char major[24], minor[24];
        const struct label labels[] = { device, { "major", major }, { "minor", minor } };

        snprintf(major, sizeof major, "%" PRId64, disk->major);
        snprintf(minor, sizeof minor, "%" PRId64, disk->minor);
        series->info = series_table_slot(table, &info_spec, labels, 3);
        series->major = disk->major;
        series->minor = disk->minor;
    }
    series_table_set(table, series->info, 1);
    for (uint32_t i = 0; i < disk->fields; i++)
        series_table_set(table, series->slots[i], disk->values[i]);
}

// Names that come and go without end (device mapper, network block devices) must not pile up.
static void
s_forget(struct diskstats_state *self)
{
    if (self->n - self->stats.n <= FORGET_BEYOND)
        return;
    while (self->n > self->stats.n)
        free(self->disks[--self->n].name);
}

static void
s_end(void **self_p)
{
    struct diskstats_state *self = *self_p;

    if (self == NULL)
        return;
    for (uint32_t i = 0; i < self->n; i++)
        free(self->disks[i].name);
    free(self->disks);
    diskstats_release(&self->stats);
    free(self);
    *self_p = NULL;
}

const struct proc_family diskstats_family = {
    .name = "diskstats",
    .filters = 1u << PROC_FILTER_DISK,
    .files = { { .path = "proc/diskstats", .optional = true } },
    .make = s_make,
    .sample = s_sample,
    .end = s_end,
};
