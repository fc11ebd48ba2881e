// pressure - see the header.

#include "agent/proc/pressure.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "agent/proc/proc_text.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"

#define PRESSURE_TAG 0x50524553u // "PRES"

enum resource { CPU, IO, MEMORY, IRQ, RESOURCES };

#define TOTAL(metric, text)                                                           \
    {                                                                                 \
        .name = metric, .kind = METRIC_COUNTER, .form = { .exponent = 6, .unit = 1 }, \
        .job = "node", .help = text                                                   \
    }
// By resource: of "some" and of "full"; a name of NULL is not told.
static const struct series_spec specs[RESOURCES][2] = {
    [CPU] = { TOTAL("node_pressure_cpu_waiting_seconds_total",
                    "Seconds in which some task has waited for a processor.") },
    [IO] = { TOTAL("node_pressure_io_waiting_seconds_total",
                   "Seconds in which some task has waited for I/O."),
             TOTAL("node_pressure_io_stalled_seconds_total",
                   "Seconds in which all tasks have waited for I/O.") },
    [MEMORY] = { TOTAL("node_pressure_memory_waiting_seconds_total",
                       "Seconds in which some task has waited for memory."),
                 TOTAL("node_pressure_memory_stalled_seconds_total",
                       "Seconds in which all tasks have waited for memory.") },
    [IRQ] = { { .name = NULL },
              TOTAL("node_pressure_irq_stalled_seconds_total",
                    "Seconds in which all tasks have waited for interrupts to be served.") },
};

struct pressure_state {
    unsigned tag; // PRESSURE_TAG
    uint32_t slots[RESOURCES][2];
};

static int s_total(struct proc_text line, int64_t *ret);

int
pressure_parse(struct pressure *out, const char *text, size_t len)
{
    struct proc_text rest = proc_text(text, len);
    struct proc_text line;
    int found = 0;

    *out = (struct pressure){ PRESSURE_ABSENT, PRESSURE_ABSENT };
    while (proc_text_line(&rest, &line)) {
        const struct proc_text kind = proc_text_word(&line);
        const bool some = proc_text_is(&kind, "some");

        if (!some && !proc_text_is(&kind, "full"))
            continue;
        if (s_total(line, some ? &out->some_us : &out->full_us) < 0)
            return ERR_FORMAT;
        found++;
    }
    return found > 0 ? found : ERR_FORMAT;
}

// "avg10=0.00 avg60=0.00 avg300=0.00 total=1234"
static int
s_total(struct proc_text line, int64_t *ret)
{
    static const char key[] = "total=";

    for (;;) {
        struct proc_text word = proc_text_word(&line);

        if (proc_text_len(&word) == 0)
            return ERR_FORMAT;
        if (proc_text_len(&word) < sizeof key || memcmp(word.at, key, sizeof key - 1) != 0)
            continue;
        word.at += sizeof key - 1;
        return proc_text_int(&word, ret) == 1 ? 0 : ERR_FORMAT;
    }
}

static void *
s_make(const struct proc_setup *setup)
{
    struct pressure_state *self = xcalloc(1, sizeof *self);

    (void) setup;
    self->tag = PRESSURE_TAG;
    for (size_t r = 0; r < RESOURCES; r++)
        self->slots[r][0] = self->slots[r][1] = SERIES_NONE;
    return self;
}

static int
s_sample(void *arg, series_table_t *table, size_t file, const char *text, size_t len)
{
    struct pressure_state *self = arg;
    struct pressure pressure;
    int64_t totals[2];
    int rc;

    assert(self->tag == PRESSURE_TAG && file < RESOURCES);
    rc = pressure_parse(&pressure, text, len);
    if (rc < 0)
        return rc;
    totals[0] = pressure.some_us;
    totals[1] = pressure.full_us;
    for (size_t i = 0; i < 2; i++) {
        const struct series_spec *spec = &specs[file][i];
        uint32_t *slot = &self->slots[file][i];

        if (spec->name == NULL || totals[i] == PRESSURE_ABSENT)
            continue;
        if (*slot == SERIES_NONE)
            *slot = series_table_slot(table, spec, NULL, 0);
        series_table_set(table, *slot, totals[i]);
    }
    return 0;
}

static void
s_end(void **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

const struct proc_family pressure_family = {
    .name = "pressure",
    .files = { [CPU] = { .path = "proc/pressure/cpu", .optional = true },
               [IO] = { .path = "proc/pressure/io", .optional = true },
               [MEMORY] = { .path = "proc/pressure/memory", .optional = true },
               [IRQ] = { .path = "proc/pressure/irq", .optional = true } },
    .make = s_make,
    .sample = s_sample,
    .end = s_end,
};
