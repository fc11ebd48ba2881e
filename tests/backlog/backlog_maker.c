// backlog_maker - the data folder of an agent that has sampled for hours and reached nobody.
//
// usage: backlog_maker DATA NAME ROWS SERIES STEP_MS AGO_MS
// In:     a data folder, new or that of an agent which is not running; ROWS rows of SERIES series,
//         STEP_MS apart, the last one AGO_MS ago.
// Out:    what the agent's own outbox leaves behind after a clean stop: one stream, ended, pending
//         as a whole; and one line, "from_ms=N to_ms=N samples=N".
// Series: those of node_memory_* and node_cpu_seconds_total that the columns mem.used and cpu.* are
//         made from, for a page to draw; the others are backlog_n{n="I"}, I from HOST on, whose
//         value in row R is I * 1000000 + R. So each row changes each of them, and a sample tells
//         where it belongs.
// Wall time stands in IDENT and END, which carry no samples; rows have the time that they tell.

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/outbox.h"
#include "agent/own_series.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/base/log.h"
#include "shared/base/xalloc.h"
#include "shared/net/service.h"

#define MEMORY     5u // series of node_memory_*
#define CPU        8u // of node_cpu_seconds_total, one for each mode
#define HOST       (MEMORY + CPU)
#define ROWS_MOST  UINT64_C(1000000) // a value's place for the row
#define FLUSH_ROWS 64u               // that wait for the spool at most: far less than its queue
#define WAIT_MS    30000
#define KIB_GIB    (INT64_C(1024) * 1024) // KiB in a GiB
#define TURN       600 // rows in which the load rises, from none to all; then it falls

struct maker {
    const char *data;
    const char *name;
    uint64_t rows;
    uint32_t series;
    int64_t step_ms;
    int64_t from_ms;    // time of the first row
    int64_t busy, idle; // of its one processor so far, hundredths of seconds
    series_table_t *table;
    uint32_t *slots; // of each series
    outbox_t *outbox;
};

static int
s_fail(const char *what, int rc)
{
    fprintf(stderr, "backlog_maker: %s: %s\n", what, err_str(rc));
    return -1;
}

static bool
s_number(uint64_t *ret, const char *text, uint64_t least, uint64_t most)
{
    char *end;

    errno = 0;
    *ret = strtoull(text, &end, 10);
    if (errno == 0 && end != text && *end == '\0' && *ret >= least && *ret <= most)
        return true;
    fprintf(stderr, "backlog_maker: '%s' is no number from %" PRIu64 " to %" PRIu64 "\n", text,
            least, most);
    return false;
}

static bool
s_read_words(struct maker *self, int argc, char **argv)
{
    uint64_t series, step_ms, ago_ms;

    if (argc != 7) {
        fprintf(stderr, "usage: backlog_maker DATA NAME ROWS SERIES STEP_MS AGO_MS\n");
        return false;
    }
    self->data = argv[1];
    self->name = argv[2];
    if (!s_number(&self->rows, argv[3], 1, ROWS_MOST) ||
        !s_number(&series, argv[4], HOST + 1, SERIES_TABLE_MAX) ||
        !s_number(&step_ms, argv[5], 1, 3600000) || !s_number(&ago_ms, argv[6], 0, UINT32_MAX))
        return false;
    self->series = (uint32_t) series;
    self->step_ms = (int64_t) step_ms;
    self->from_ms = clock_real_ms() - (int64_t) ago_ms - (int64_t) (self->rows - 1) * self->step_ms;
    return true;
}

// The slot of series `i`; idle is the last mode.
static uint32_t
s_slot(struct maker *self, uint32_t i)
{
    static const char *const memory[MEMORY] = { "Total", "Free", "Buffers", "Cached",
                                                "SReclaimable" };
    static const char *const modes[CPU] = { "user", "nice",    "system", "iowait",
                                            "irq",  "softirq", "steal",  "idle" };
    struct series_spec spec = { .kind = METRIC_GAUGE, .form = { .unit = 1 }, .job = "node" };
    char text[64];
    struct label labels[2] = { { "n", text }, { NULL, NULL } };
    size_t n = 1;

    spec.name = "backlog_n";
    snprintf(text, sizeof text, "%" PRIu32, i);
    if (i < MEMORY) {
        snprintf(text, sizeof text, "node_memory_%s%s_bytes", i < 2 ? "Mem" : "", memory[i]);
        spec.name = text;
        spec.form.unit = 1024;
        n = 0;
    } else if (i < HOST) {
        spec.name = "node_cpu_seconds_total";
        spec.kind = METRIC_COUNTER;
        spec.form.exponent = 2;
        labels[0] = (struct label){ "cpu", "0" };
        labels[1] = (struct label){ "mode", modes[i - MEMORY] };
        n = 2;
    }
    return series_table_slot(self->table, &spec, labels, n);
}

static void
s_make_table(struct maker *self)
{
    self->table = series_table_new();
    self->slots = xcalloc(self->series, sizeof *self->slots);
    for (uint32_t i = 0; i < self->series; i++)
        self->slots[i] = s_slot(self, i);
}

static bool
s_send(void *arg, const void *frame, size_t n)
{
    (void) arg;
    (void) frame;
    (void) n;
    abort(); // nobody said WELCOME
}

static int
s_open(struct maker *self)
{
    struct outbox_options opt = {
        .id = { .name = self->name,
                .name_len = strlen(self->name),
                .version = "backlog",
                .version_len = strlen("backlog"),
                .interval_ms = (uint32_t) self->step_ms },
        .table = self->table,
        .data = self->data,
        .spool_bytes = UINT64_C(1) << 30,
        .spool_age_ms = INT64_C(7) * 24 * 3600 * 1000,
        .spool_sync_ms = 5000,
        .spool_close_ms = WAIT_MS,
        .backlog_rate = 1 << 20,
        .key_phase = -1,
        .memory = 4 << 20,
    };
    int lock_fd = -1;
    int rc = service_id(&opt.id.host, self->data, "host_id");

    if (rc == 0)
        rc = service_lock(&lock_fd, self->data); // to the end of the process
    if (rc == 0)
        rc = outbox_open(&self->outbox, &opt, s_send, NULL);
    return rc < 0 ? s_fail(self->data, rc) : 0;
}

// Until so many samples stand in the spool.
static int
s_flush(struct maker *self, uint64_t samples)
{
    const int64_t until_ms = clock_mono_ms() + WAIT_MS;

    while (outbox_ledger(self->outbox).pending < samples) {
        struct pollfd item = { .fd = outbox_fd(self->outbox), .events = POLLIN };

        if (clock_mono_ms() > until_ms)
            return s_fail("the spool does not take it all", -ETIMEDOUT);
        poll(&item, 1, 10);
        outbox_turn(self->outbox);
    }
    return 0;
}

static void
s_set_row(struct maker *self, uint64_t row)
{
    const int64_t turn = (int64_t) (row % (2 * TURN));
    const int64_t load = turn < TURN ? turn : 2 * TURN - turn; // of TURN
    const int64_t busy = 1 + 98 * load / TURN;                 // hundredths of this second

    self->busy += busy;
    self->idle += 100 - busy;
    series_table_begin(self->table);
    series_table_set(self->table, self->slots[0], 16 * KIB_GIB);
    series_table_set(self->table, self->slots[1], 12 * KIB_GIB - 10 * KIB_GIB * load / TURN);
    for (uint32_t i = 2; i < MEMORY; i++)
        series_table_set(self->table, self->slots[i], KIB_GIB / 2);
    for (uint32_t i = MEMORY; i < HOST; i++)
        series_table_set(self->table, self->slots[i],
                         i == MEMORY     ? self->busy
                         : i == HOST - 1 ? self->idle
                                         : 0);
    for (uint32_t i = HOST; i < self->series; i++)
        series_table_set(self->table, self->slots[i], (int64_t) i * 1000000 + (int64_t) row);
    series_table_end(self->table);
}

int
main(int argc, char **argv)
{
    struct maker self = { 0 };
    uint64_t pending; // of the streams that were there before
    bool ok;

    log_init("backlog_maker", LOG_LEVEL_WARN);
    own_series_init();
    if (!s_read_words(&self, argc, argv))
        return 2;
    s_make_table(&self);
    ok = s_open(&self) == 0;
    pending = ok ? outbox_ledger(self.outbox).pending : 0;
    for (uint64_t row = 0; ok && row < self.rows; row++) {
        s_set_row(&self, row);
        outbox_row(self.outbox, self.from_ms + (int64_t) row * self.step_ms, NULL, 0);
        if ((row + 1) % FLUSH_ROWS == 0 || row + 1 == self.rows)
            ok = s_flush(&self, pending + (row + 1) * self.series) == 0;
    }
    if (ok)
        outbox_end(self.outbox);
    ok = outbox_close(&self.outbox) && ok;
    if (ok)
        printf("from_ms=%" PRId64 " to_ms=%" PRId64 " samples=%" PRIu64 "\n", self.from_ms,
               self.from_ms + (int64_t) (self.rows - 1) * self.step_ms, self.rows * self.series);
    series_table_destroy(&self.table);
    free(self.slots);
    return ok ? 0 : 1;
}
