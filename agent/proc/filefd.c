// filefd - see the header.

#include "agent/proc/filefd.h"

#include <assert.h>
#include <stdlib.h>

#include "agent/proc/proc_text.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"

#define FILEFD_TAG 0x46494c45u // "FILE"
#define EVERY_MS   5000        // how near the limit is needs no second

static const struct series_spec allocated = {
    .name = "node_filefd_allocated",
    .kind = METRIC_GAUGE,
    .form = { .exponent = 0, .unit = 1 },
    .job = "node",
    .help = "File handles that are allocated.",
};
static const struct series_spec maximum = {
    .name = "node_filefd_maximum",
    .kind = METRIC_GAUGE,
    .form = { .exponent = 0, .unit = 1 },
    .job = "node",
    .help = "File handles there may be at most.",
};

struct filefd_state {
    unsigned tag; // FILEFD_TAG
    uint32_t allocated;
    uint32_t maximum;
};

int
filefd_parse(struct filefd *out, const char *text, size_t len)
{
    struct proc_text rest = proc_text(text, len);
    struct proc_text line;
    int64_t unused;

    if (!proc_text_line(&rest, &line) || proc_text_int(&line, &out->allocated) != 1 ||
        proc_text_int(&line, &unused) != 1)
        return ERR_FORMAT;
    return proc_text_int(&line, &out->maximum) == 1 ? 0 : ERR_FORMAT;
}

static void *
s_make(const struct proc_setup *setup)
{
    struct filefd_state *self = xcalloc(1, sizeof *self);

    (void) setup;
    *self = (struct filefd_state){ FILEFD_TAG, SERIES_NONE, SERIES_NONE };
    return self;
}

static int
s_sample(void *arg, series_table_t *table, size_t file, const char *text, size_t len)
{
    struct filefd_state *self = arg;
    struct filefd files;
    int rc;

    assert(self->tag == FILEFD_TAG && file == 0);
    rc = filefd_parse(&files, text, len);
    if (rc < 0)
        return rc;
    if (self->allocated == SERIES_NONE) {
        self->allocated = series_table_slot(table, &allocated, NULL, 0);
        self->maximum = series_table_slot(table, &maximum, NULL, 0);
    }
    series_table_set(table, self->allocated, files.allocated);
    series_table_set(table, self->maximum, files.maximum);
    return 0;
}

static void
s_end(void **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

const struct proc_family filefd_family = {
    .name = "filefd",
    .every_ms = EVERY_MS,
    .files = { { .path = "proc/sys/fs/file-nr" } },
    .make = s_make,
    .sample = s_sample,
    .end = s_end,
};
