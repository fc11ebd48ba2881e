// loadavg - see the header.

#include "agent/proc/loadavg.h"

#include <assert.h>
#include <stdlib.h>

#include "agent/proc/proc_text.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"

#define LOADAVG_TAG 0x4c4f4144u // "LOAD"

static const struct series_spec specs[LOADAVG_TERMS] = {
    { .name = "node_load1",
      .kind = METRIC_GAUGE,
      .form = { .exponent = 2, .unit = 1 },
      .job = "node",
      .help = "1m load average." },
    { .name = "node_load5",
      .kind = METRIC_GAUGE,
      .form = { .exponent = 2, .unit = 1 },
      .job = "node",
      .help = "5m load average." },
    { .name = "node_load15",
      .kind = METRIC_GAUGE,
      .form = { .exponent = 2, .unit = 1 },
      .job = "node",
      .help = "15m load average." },
};

struct loadavg_state {
    unsigned tag; // LOADAVG_TAG
    uint32_t slots[LOADAVG_TERMS];
};

// "12.34" -> 1234.
static bool
s_hundredths(struct proc_text word, int64_t *ret)
{
    struct proc_text whole, part;
    int64_t decimals;

    if (proc_text_len(&word) < 4 || word.end[-3] != '.')
        return false;
    whole = (struct proc_text){ .at = word.at, .end = word.end - 3 };
    part = (struct proc_text){ .at = word.end - 2, .end = word.end };
    return proc_text_int(&whole, ret) == 1 && proc_text_int(&part, &decimals) == 1 &&
           !__builtin_mul_overflow(*ret, 100, ret) && !__builtin_add_overflow(*ret, decimals, ret);
}

int
loadavg_parse(struct loadavg *out, const char *text, size_t len)
{
    struct proc_text rest = proc_text(text, len);
    struct proc_text line;

    if (!proc_text_line(&rest, &line))
        return ERR_FORMAT;
    for (size_t i = 0; i < LOADAVG_TERMS; i++)
        if (!s_hundredths(proc_text_word(&line), &out->hundredths[i]))
            return ERR_FORMAT;
    return 0;
}

static void *
s_make(const struct proc_setup *setup)
{
    struct loadavg_state *self = xcalloc(1, sizeof *self);

    (void) setup;
    self->tag = LOADAVG_TAG;
    for (size_t i = 0; i < LOADAVG_TERMS; i++)
        self->slots[i] = SERIES_NONE;
    return self;
}

static int
s_sample(void *arg, series_table_t *table, size_t file, const char *text, size_t len)
{
    struct loadavg_state *self = arg;
    struct loadavg load;
    int rc;

    (void) file;
    assert(self->tag == LOADAVG_TAG);
    rc = loadavg_parse(&load, text, len);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < LOADAVG_TERMS; i++) {
        if (self->slots[i] == SERIES_NONE)
            self->slots[i] = series_table_slot(table, &specs[i], NULL, 0);
        series_table_set(table, self->slots[i], load.hundredths[i]);
    }
    return 0;
}

static void
s_end(void **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

const struct proc_family loadavg_family = {
    .name = "loadavg",
    .files = { { .path = "proc/loadavg" } },
    .make = s_make,
    .sample = s_sample,
    .end = s_end,
};
