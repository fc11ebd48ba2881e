// meminfo - see the header.
//
// Which keys there are differs from kernel to kernel, so none is listed here. The file's order
// hardly ever changes while a kernel runs: line i is first compared with the key that stood there
// before.

#include "agent/proc/meminfo.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "agent/proc/proc_text.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"

#define MEMINFO_TAG 0x4d454d49u // "MEMI"

// A key that was seen, and its series. A key whose unit changes is another series.
struct known {
    char key[MEMINFO_KEY_MAX];
    uint32_t key_len;
    bool kilobytes;
    uint32_t slot;
};

struct meminfo_state {
    unsigned tag; // MEMINFO_TAG
    uint32_t n;
    uint32_t size;       // allocated
    struct known *known; // in the order first seen: that of the file, so line i is known[i]
    struct meminfo_line lines[MEMINFO_LINES_MAX];
};

static int s_line(struct meminfo_line *out, struct proc_text line);
static const struct known *s_find(struct meminfo_state *self, series_table_t *table, size_t guess,
                                  const struct meminfo_line *line);

int
meminfo_parse(struct meminfo_line out[MEMINFO_LINES_MAX], const char *text, size_t len)
{
    struct proc_text rest = proc_text(text, len);
    struct proc_text line;
    int n = 0;

    while (proc_text_line(&rest, &line)) {
        if (n == MEMINFO_LINES_MAX || s_line(&out[n], line) < 0)
            return ERR_FORMAT;
        n++;
    }
    return n > 0 ? n : ERR_FORMAT;
}

static int
s_line(struct meminfo_line *out, struct proc_text line)
{
    const char *colon = memchr(line.at, ':', proc_text_len(&line));
    struct proc_text unit;

    if (colon == NULL || colon == line.at || colon - line.at > MEMINFO_KEY_MAX)
        return ERR_FORMAT;
    out->key = line.at;
    out->key_len = (uint32_t) (colon - line.at);
    line.at = colon + 1;
    if (proc_text_int(&line, &out->value) != 1)
        return ERR_FORMAT;
    unit = proc_text_word(&line);
    out->kilobytes = proc_text_is(&unit, "kB");
    return out->kilobytes || proc_text_len(&unit) == 0 ? 0 : ERR_FORMAT;
}

void
meminfo_name(char out[MEMINFO_NAME_SIZE], const struct meminfo_line *line)
{
    char *at = stpcpy(out, "node_memory_");

    for (uint32_t i = 0; i < line->key_len; i++) {
        const char c = line->key[i];

        if (c == ')' && i + 1 == line->key_len)
            break;
        *at++ = isalnum((unsigned char) c) ? c : '_';
    }
    strcpy(at, line->kilobytes ? "_bytes" : "");
}

static void *
s_make(const struct proc_setup *setup)
{
    struct meminfo_state *self = xcalloc(1, sizeof *self);

    (void) setup;
    self->tag = MEMINFO_TAG;
    return self;
}

static int
s_sample(void *arg, series_table_t *table, size_t file, const char *text, size_t len)
{
    struct meminfo_state *self = arg;
    int n;

    (void) file;
    assert(self->tag == MEMINFO_TAG);
    n = meminfo_parse(self->lines, text, len);
    for (int i = 0; i < n; i++) {
        const struct known *known = s_find(self, table, (size_t) i, &self->lines[i]);

        if (known != NULL)
            series_table_set(table, known->slot, self->lines[i].value);
    }
    return n < 0 ? n : 0;
}

static bool
s_is(const struct known *known, const struct meminfo_line *line)
{
    return known->key_len == line->key_len && known->kilobytes == line->kilobytes &&
           memcmp(known->key, line->key, line->key_len) == 0;
}

// The series of a line: at the same place as the tick before, elsewhere, or new. NULL where the
// keys of this boot are already more than a file may have.
static const struct known *
s_find(struct meminfo_state *self, series_table_t *table, size_t guess,
       const struct meminfo_line *line)
{
    char name[MEMINFO_NAME_SIZE];
    const struct series_spec spec = {
        .name = name,
        .kind = METRIC_GAUGE,
        .form = { .exponent = 0, .unit = line->kilobytes ? 1024 : 1 },
        .job = "node",
        .help = "Memory information field of /proc/meminfo.",
    };
    struct known *known;

    if (guess < self->n && s_is(&self->known[guess], line))
        return &self->known[guess];
    for (uint32_t i = 0; i < self->n; i++)
        if (s_is(&self->known[i], line))
            return &self->known[i];
    if (self->n == 2 * MEMINFO_LINES_MAX)
        return NULL;
    if (self->n == self->size) {
        self->size = self->size == 0 ? 64 : self->size * 2;
        self->known = xrealloc(self->known, self->size, sizeof *self->known);
    }
    known = &self->known[self->n++];
    memcpy(known->key, line->key, line->key_len);
    known->key_len = line->key_len;
    known->kilobytes = line->kilobytes;
    meminfo_name(name, line);
    known->slot = series_table_slot(table, &spec, NULL, 0);
    return known;
}

static void
s_end(void **self_p)
{
    struct meminfo_state *self = *self_p;

    if (self == NULL)
        return;
    free(self->known);
    free(self);
    *self_p = NULL;
}

const struct proc_family meminfo_family = {
    .name = "meminfo",
    .files = { { .path = "proc/meminfo" } },
    .make = s_make,
    .sample = s_sample,
    .end = s_end,
};
