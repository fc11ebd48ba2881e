// softnet - see the header.

#include "agent/proc/softnet.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/proc/proc_number.h"
#include "agent/proc/proc_text.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"

#define SOFTNET_TAG   0x534f4654u // "SOFT"
#define COLUMNS_LEAST 9           // of the oldest kernels
#define COLUMN_INDEX  12          // where a kernel has it: the processor's number

static const struct series_spec specs[SOFTNET_COUNTERS] = {
    [SOFTNET_PROCESSED] = { .name = "node_softnet_processed_total",
                            .kind = METRIC_COUNTER,
                            .form = { .exponent = 0, .unit = 1 },
                            .job = "node",
                            .help = "Number of processed packets." },
    [SOFTNET_DROPPED] = { .name = "node_softnet_dropped_total",
                          .kind = METRIC_COUNTER,
                          .form = { .exponent = 0, .unit = 1 },
                          .job = "node",
                          .help = "Number of dropped packets." },
    [SOFTNET_SQUEEZED] = { .name = "node_softnet_times_squeezed_total",
                           .kind = METRIC_COUNTER,
                           .form = { .exponent = 0, .unit = 1 },
                           .job = "node",
                           .help = "Number of times processing packets ran out of quota." },
};

// A processor's series; SERIES_NONE until it is first seen, and for ever where the table is full.
struct cpu_series {
    bool made;
    uint32_t slots[SOFTNET_COUNTERS];
};

struct softnet_state {
    unsigned tag;            // SOFTNET_TAG
    struct softnet softnet;  // of the tick at hand
    uint32_t n;              // of cpus
    struct cpu_series *cpus; // by id
};

static int s_line(struct softnet *out, struct proc_text *line);
static int s_u32(struct proc_text *line, uint32_t *ret);
static const struct cpu_series *s_series(struct softnet_state *self, series_table_t *table,
                                         uint32_t id);

int
softnet_parse(struct softnet *out, const char *text, size_t len)
{
    struct proc_text rest = proc_text(text, len);
    struct proc_text line;

    out->n = 0;
    while (proc_text_line(&rest, &line)) {
        const int rc = s_line(out, &line);

        if (rc < 0)
            return rc;
    }
    return out->n > 0 ? (int) out->n : ERR_FORMAT;
}

static int
s_line(struct softnet *out, struct proc_text *line)
{
    struct softnet_cpu cpu = { .id = out->n };
    uint32_t column = 0;
    struct proc_text word;

    for (; column < SOFTNET_COUNTERS; column++)
        if (s_u32(line, &cpu.counters[column]) != 1)
            return ERR_FORMAT;
    for (; column < COLUMN_INDEX; column++) {
        word = proc_text_word(line);
        if (proc_text_len(&word) == 0)
            break;
    }
    if (column < COLUMNS_LEAST || (column == COLUMN_INDEX && s_u32(line, &cpu.id) < 0))
        return ERR_FORMAT;
    if (cpu.id >= SOFTNET_CPUS_MAX || (out->n > 0 && cpu.id <= out->cpus[out->n - 1].id))
        return ERR_FORMAT;
    if (out->n == out->size) {
        out->size = out->size == 0 ? 8 : out->size * 2;
        out->cpus = xrealloc(out->cpus, out->size, sizeof *out->cpus);
    }
    out->cpus[out->n++] = cpu;
    return 1;
}

// 1, 0 at the end of the line and *ret as it was, or ERR_FORMAT.
static int
s_u32(struct proc_text *line, uint32_t *ret)
{
    struct proc_number number;
    const int rc = proc_number_take_hex(line, &number);

    if (rc != 1)
        return rc;
    if (number.magnitude > UINT32_MAX)
        return ERR_FORMAT;
    *ret = (uint32_t) number.magnitude;
    return 1;
}

void
softnet_release(struct softnet *softnet)
{
    free(softnet->cpus);
    *softnet = (struct softnet){ 0 };
}

static void *
s_make(const struct proc_setup *setup)
{
    struct softnet_state *self = xcalloc(1, sizeof *self);

    (void) setup;
    self->tag = SOFTNET_TAG;
    return self;
}

static int
s_sample(void *arg, series_table_t *table, size_t file, const char *text, size_t len)
{
    struct softnet_state *self = arg;
    int rc;

    (void) file;
    assert(self->tag == SOFTNET_TAG);
    rc = softnet_parse(&self->softnet, text, len);
    if (rc < 0)
        return rc;
    for (uint32_t i = 0; i < self->softnet.n; i++) {
        const struct softnet_cpu *cpu = &self->softnet.cpus[i];
        const struct cpu_series *series = s_series(self, table, cpu->id);

        for (size_t c = 0; c < SOFTNET_COUNTERS; c++)
            series_table_set(table, series->slots[c], cpu->counters[c]);
    }
    return 0;
}

static const struct cpu_series *
s_series(struct softnet_state *self, series_table_t *table, uint32_t id)
{
    char cpu[12];

    if (id >= self->n) {
        self->cpus = xrealloc(self->cpus, id + 1, sizeof *self->cpus);
        for (uint32_t i = self->n; i <= id; i++)
            self->cpus[i] = (struct cpu_series){ 0 };
        self->n = id + 1;
    }
    if (!self->cpus[id].made) {
        snprintf(cpu, sizeof cpu, "%u", id);
        for (size_t c = 0; c < SOFTNET_COUNTERS; c++)
            self->cpus[id].slots[c] = series_table_slot(table, &specs[c],
                                                        &(const struct label){ "cpu", cpu }, 1);
        self->cpus[id].made = true;
    }
    return &self->cpus[id];
}

static void
s_end(void **self_p)
{
    struct softnet_state *self = *self_p;

    if (self == NULL)
        return;
    softnet_release(&self->softnet);
    free(self->cpus);
    free(self);
    *self_p = NULL;
}

const struct proc_family softnet_family = {
    .name = "softnet",
    .files = { { .path = "proc/net/softnet_stat" } },
    .make = s_make,
    .sample = s_sample,
    .end = s_end,
};
