// sockstat - see the header.
//
// The order of a file's fields does not change while a kernel runs: field i is first compared with
// the one that stood there before.

#include "agent/proc/sockstat.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/proc/proc_text.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"

#define SOCKSTAT_TAG   0x534f434bu // "SOCK"
#define SOCKSTAT_FILES 2           // sockstat, sockstat6
#define SLOW_MS        5000        // see the header
#define NAME_SIZE      (SOCKSTAT_PROTOCOL_MAX + 32)

static const struct {
    const char *key; // as the kernel spells it
    const char *help;
} words[SOCKSTAT_WORDS] = {
    [SOCKSTAT_USED] = { "used", "Number of IPv4 sockets in use." },
    [SOCKSTAT_INUSE] = { "inuse", "Number of sockets of the protocol in state inuse." },
    [SOCKSTAT_ORPHAN] = { "orphan", "Number of sockets of the protocol in state orphan." },
    [SOCKSTAT_TW] = { "tw", "Number of sockets of the protocol in state tw." },
    [SOCKSTAT_ALLOC] = { "alloc", "Number of sockets of the protocol in state alloc." },
    [SOCKSTAT_MEM] = { "mem", "Pages of memory that sockets of the protocol hold." },
    [SOCKSTAT_MEMORY] = { "memory", "Bytes of memory that fragments of the protocol hold." },
};

// A field that was seen, and its series.
struct known {
    char protocol[SOCKSTAT_PROTOCOL_MAX];
    uint32_t protocol_len;
    enum sockstat_word word;
    uint32_t slot;
    uint32_t bytes_slot; // of "mem": the same in bytes; else SERIES_NONE
};

// Of one file, in the order first seen, which is the file's.
struct known_file {
    uint32_t n;
    struct known known[2 * SOCKSTAT_FIELDS_MAX];
};

struct sockstat_state {
    unsigned tag;    // SOCKSTAT_TAG
    long page_bytes; // of a page of "mem"
    struct known_file files[SOCKSTAT_FILES];
    struct sockstat_field fields[SOCKSTAT_FIELDS_MAX]; // of the file at hand
};

static int s_line(struct sockstat_field out[SOCKSTAT_FIELDS_MAX], int n, struct proc_text *line);
static enum sockstat_word s_word(const struct proc_text *key);
static const struct known *s_find(struct sockstat_state *self, struct known_file *file,
                                  series_table_t *table, uint32_t guess,
                                  const struct sockstat_field *field);
static void s_make_series(struct known *known, series_table_t *table, long page_bytes);

int
sockstat_parse(struct sockstat_field out[SOCKSTAT_FIELDS_MAX], const char *text, size_t len)
{
    struct proc_text rest = proc_text(text, len);
    struct proc_text line;
    int n = 0;

    while (proc_text_line(&rest, &line)) {
        n = s_line(out, n, &line);
        if (n < 0)
            return n;
    }
    return n > 0 ? n : ERR_FORMAT;
}

// Fields after this line, of which `n` were there before it, or ERR_FORMAT.
static int
s_line(struct sockstat_field out[SOCKSTAT_FIELDS_MAX], int n, struct proc_text *line)
{
    const char *colon = memchr(line->at, ':', proc_text_len(line));
    struct sockstat_field field = { .protocol = line->at };
    struct proc_text key;

    if (colon == NULL || colon == line->at || colon - line->at > SOCKSTAT_PROTOCOL_MAX)
        return ERR_FORMAT;
    field.protocol_len = (uint32_t) (colon - line->at);
    line->at = colon + 1;
    for (;;) {
        key = proc_text_word(line);
        if (proc_text_len(&key) == 0)
            return n;
        field.word = s_word(&key);
        if (proc_number_take(line, &field.value) != 1)
            return ERR_FORMAT;
        if (field.word == SOCKSTAT_WORDS)
            continue;
        if (n == SOCKSTAT_FIELDS_MAX)
            return ERR_FORMAT;
        out[n++] = field;
    }
}

// SOCKSTAT_WORDS if it is none of ours.
static enum sockstat_word
s_word(const struct proc_text *key)
{
    size_t word = 0;

    while (word < SOCKSTAT_WORDS && !proc_text_is(key, words[word].key))
        word++;
    return (enum sockstat_word) word;
}

static void *
s_make(const struct proc_setup *setup)
{
    struct sockstat_state *self = xcalloc(1, sizeof *self);

    assert(setup->page_bytes > 0 && setup->page_bytes <= UINT32_MAX);
    self->tag = SOCKSTAT_TAG;
    self->page_bytes = setup->page_bytes;
    return self;
}

static int
s_sample(void *arg, series_table_t *table, size_t file, const char *text, size_t len)
{
    struct sockstat_state *self = arg;
    int n;

    assert(self->tag == SOCKSTAT_TAG && file < SOCKSTAT_FILES);
    n = sockstat_parse(self->fields, text, len);
    for (int i = 0; i < n; i++) {
        const struct sockstat_field *field = &self->fields[i];
        const struct known *known = s_find(self, &self->files[file], table, (uint32_t) i, field);

        if (known == NULL)
            continue;
        proc_number_set(table, known->slot, field->value);
        if (field->value.magnitude <= INT64_MAX)
            proc_number_set(table, known->bytes_slot, field->value);
    }
    return n < 0 ? n : 0;
}

static bool
s_is(const struct known *known, const struct sockstat_field *field)
{
    return known->word == field->word && known->protocol_len == field->protocol_len &&
           memcmp(known->protocol, field->protocol, field->protocol_len) == 0;
}

// The series of a field: at the same place as the tick before, elsewhere, or new. NULL where the
// fields of this boot are already more than a file may have.
static const struct known *
s_find(struct sockstat_state *self, struct known_file *file, series_table_t *table, uint32_t guess,
       const struct sockstat_field *field)
{
    struct known *known;

    if (guess < file->n && s_is(&file->known[guess], field))
        return &file->known[guess];
    for (uint32_t i = 0; i < file->n; i++)
        if (s_is(&file->known[i], field))
            return &file->known[i];
    if (file->n == sizeof file->known / sizeof file->known[0])
        return NULL;
    known = &file->known[file->n++];
    memcpy(known->protocol, field->protocol, field->protocol_len);
    known->protocol_len = field->protocol_len;
    known->word = field->word;
    s_make_series(known, table, self->page_bytes);
    return known;
}

static void
s_make_series(struct known *known, series_table_t *table, long page_bytes)
{
    char name[NAME_SIZE];
    struct series_spec spec = {
        .name = name,
        .kind = METRIC_GAUGE,
        .form = { .exponent = 0, .unit = 1 },
        .job = "node",
        .help = words[known->word].help,
    };
    const int n = snprintf(name, sizeof name, "node_sockstat_%.*s_%s", (int) known->protocol_len,
                           known->protocol, words[known->word].key);

    known->slot = series_table_slot(table, &spec, NULL, 0);
    known->bytes_slot = SERIES_NONE;
    if (known->word != SOCKSTAT_MEM)
        return;
    snprintf(name + n, sizeof name - (size_t) n, "_bytes");
    spec.form.unit = (uint32_t) page_bytes;
    spec.help = "Bytes of memory that sockets of the protocol hold.";
    known->bytes_slot = series_table_slot(table, &spec, NULL, 0);
}

static void
s_end(void **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

const struct proc_family sockstat_family = {
    .name = "sockstat",
    .files = { { .path = "proc/net/sockstat" },
               { .path = "proc/net/sockstat6", .optional = true, .every_ms = SLOW_MS } },
    .make = s_make,
    .sample = s_sample,
    .end = s_end,
};
