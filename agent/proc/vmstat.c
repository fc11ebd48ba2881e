// vmstat - see the header.
//
// Most lines are written by the kernel and read here for nothing. Those that are taken stand in the
// first two thirds of them, so no more is read than had them the time before, and all of it once in
// a while, or when one of them was not there.

#include "agent/proc/vmstat.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/proc/proc_text.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"

#define VMSTAT_TAG 0x564d5354u // "VMST"
#define ALL_EVERY  60          // samples
#define GROWTH     64          // bytes by which the numbers may have become longer

// A name that was seen, and its series.
struct known {
    char name[VMSTAT_NAME_MAX];
    uint32_t name_len;
    uint32_t slot;
};

struct vmstat_state {
    unsigned tag;       // VMSTAT_TAG
    unsigned until_all; // samples
    size_t head;        // bytes that had all that was taken; 0: not known
    bool in_part;       // the text to come is that head
    int taken;          // of all of it
    uint32_t n;
    uint32_t size;       // allocated
    struct known *known; // in the order first seen: that of the file
    struct vmstat_line lines[VMSTAT_LINES_MAX];
};

static uint32_t s_slot(struct vmstat_state *self, series_table_t *table, size_t guess,
                       const struct vmstat_line *line);

// Of most lines the first letter decides, before its name is looked for.
static bool
s_may_be_taken(char first)
{
    return first == 'p' || first == 'o';
}

bool
vmstat_takes(const char *name, size_t len)
{
    static const char oom[] = "oom_kill", swap[] = "pswp", page[] = "pgpg", fault[] = "fault";

    if (len < 4 || !s_may_be_taken(name[0]))
        return false;
    if (memcmp(name, page, 4) == 0 || memcmp(name, swap, 4) == 0)
        return true;
    if (name[0] == 'o')
        return len >= sizeof oom - 1 && memcmp(name, oom, sizeof oom - 1) == 0;
    return name[1] == 'g' && memmem(name + 2, len - 2, fault, sizeof fault - 1) != NULL;
}

int
vmstat_parse(struct vmstat_line out[VMSTAT_LINES_MAX], const char *text, size_t len)
{
    struct proc_text rest = proc_text(text, len);
    struct proc_text line;
    int taken = 0, n = 0;

    for (; proc_text_line(&rest, &line); n++) {
        struct vmstat_line *at = &out[taken];
        struct proc_text name;

        if (n == VMSTAT_LINES_MAX)
            return ERR_FORMAT;
        if (proc_text_len(&line) == 0 || !s_may_be_taken(*line.at))
            continue;
        name = proc_text_word(&line);
        if (!vmstat_takes(name.at, proc_text_len(&name)))
            continue;
        if (proc_text_len(&name) > VMSTAT_NAME_MAX || proc_text_int(&line, &at->value) != 1)
            return ERR_FORMAT;
        at->name = name.at;
        at->name_len = (uint32_t) proc_text_len(&name);
        taken++;
    }
    return taken > 0 ? taken : ERR_FORMAT;
}

static void *
s_make(const struct proc_setup *setup)
{
    struct vmstat_state *self = xcalloc(1, sizeof *self);

    (void) setup;
    self->tag = VMSTAT_TAG;
    return self;
}

static size_t
s_head(void *arg, size_t file)
{
    struct vmstat_state *self = arg;

    (void) file;
    self->in_part = self->head > 0 && self->until_all > 0;
    if (self->in_part)
        self->until_all--;
    return self->in_part ? self->head : 0;
}

static int
s_sample(void *arg, series_table_t *table, size_t file, const char *text, size_t len)
{
    struct vmstat_state *self = arg;
    const int n = vmstat_parse(self->lines, text, len);

    assert(self->tag == VMSTAT_TAG && file == 0);
    if (self->in_part && n != self->taken) {
        self->in_part = false;
        self->head = 0;
        return PROC_WANTS_ALL;
    }
    for (int i = 0; i < n; i++)
        series_table_set(table, s_slot(self, table, (size_t) i, &self->lines[i]),
                         self->lines[i].value);
    if (!self->in_part && n > 0) {
        const char *end = memchr(self->lines[n - 1].name, '\n',
                                 len - (size_t) (self->lines[n - 1].name - text));

        self->taken = n;
        self->head = (size_t) (end - text) + 1 + GROWTH;
        self->until_all = ALL_EVERY - 1;
    }
    return n < 0 ? n : 0;
}

static bool
s_is(const struct known *known, const struct vmstat_line *line)
{
    return known->name_len == line->name_len &&
           memcmp(known->name, line->name, line->name_len) == 0;
}

// Line i is first compared with the name that stood there before.
static uint32_t
s_slot(struct vmstat_state *self, series_table_t *table, size_t guess,
       const struct vmstat_line *line)
{
    char name[sizeof "node_vmstat_" + VMSTAT_NAME_MAX];
    const struct series_spec spec = { .name = name,
                                      .kind = METRIC_UNTYPED,
                                      .form = { .exponent = 0, .unit = 1 },
                                      .job = "node",
                                      .help = "An event counter of /proc/vmstat." };
    struct known *known;

    if (guess < self->n && s_is(&self->known[guess], line))
        return self->known[guess].slot;
    for (uint32_t i = 0; i < self->n; i++)
        if (s_is(&self->known[i], line))
            return self->known[i].slot;
    if (self->n == VMSTAT_LINES_MAX)
        return SERIES_NONE;
    if (self->n == self->size) {
        self->size = self->size == 0 ? 16 : self->size * 2;
        self->known = xrealloc(self->known, self->size, sizeof *self->known);
    }
    known = &self->known[self->n++];
    memcpy(known->name, line->name, line->name_len);
    known->name_len = line->name_len;
    snprintf(name, sizeof name, "node_vmstat_%.*s", (int) line->name_len, line->name);
    known->slot = series_table_slot(table, &spec, NULL, 0);
    return known->slot;
}

static void
s_end(void **self_p)
{
    struct vmstat_state *self = *self_p;

    if (self == NULL)
        return;
    free(self->known);
    free(self);
    *self_p = NULL;
}

const struct proc_family vmstat_family = {
    .name = "vmstat",
    .files = { { .path = "proc/vmstat" } },
    .make = s_make,
    .head = s_head,
    .sample = s_sample,
    .end = s_end,
};
