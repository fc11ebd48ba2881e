// net_dev - see the header.
//
// Interfaces come and go, in any number: containers bring one each. A line's interface is first
// looked for where it stood before, behind that of the line above, and only then by its name. Those
// that are gone are forgotten once they are more than those that are there.

#include "agent/proc/net_dev.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/proc/proc_number.h"
#include "agent/proc/proc_text.h"
#include "shared/base/err.h"
#include "shared/base/map.h"
#include "shared/base/xalloc.h"

#define NET_DEV_TAG 0x4e445645u // "NDVE"
#define SPARE       64          // interfaces that may be remembered beyond twice those there are
#define NOBODY      UINT32_MAX
#define NAME_SIZE   64

// The two halves of the headings, and the columns of each in the kernel's order.
static const char *const halves[] = { "receive", "transmit" };
#define N_HALVES (sizeof halves / sizeof halves[0])

static const struct column {
    const char *key; // as the kernel spells it
    uint8_t half;
    const char *help;
} columns[NET_DEV_COLUMNS] = {
    [NET_DEV_RECEIVE_BYTES] = { "bytes", 0, "Bytes received." },
    [NET_DEV_RECEIVE_PACKETS] = { "packets", 0, "Packets received." },
    [NET_DEV_RECEIVE_ERRS] = { "errs", 0, "Packets received that were bad." },
    [NET_DEV_RECEIVE_DROP] = { "drop", 0,
                               "Packets received and dropped, or missed, for want of room." },
    [NET_DEV_RECEIVE_FIFO] = { "fifo", 0, "Overruns of the receiving FIFO." },
    [NET_DEV_RECEIVE_FRAME] = { "frame", 0,
                                "Packets received with an error of length, overrun, checksum or "
                                "framing." },
    [NET_DEV_RECEIVE_COMPRESSED] = { "compressed", 0, "Compressed packets received." },
    [NET_DEV_RECEIVE_MULTICAST] = { "multicast", 0, "Multicast packets received." },
    [NET_DEV_TRANSMIT_BYTES] = { "bytes", 1, "Bytes sent." },
    [NET_DEV_TRANSMIT_PACKETS] = { "packets", 1, "Packets sent." },
    [NET_DEV_TRANSMIT_ERRS] = { "errs", 1, "Packets that could not be sent." },
    [NET_DEV_TRANSMIT_DROP] = { "drop", 1, "Packets dropped on the way out." },
    [NET_DEV_TRANSMIT_FIFO] = { "fifo", 1, "Underruns of the sending FIFO." },
    [NET_DEV_TRANSMIT_COLLS] = { "colls", 1, "Collisions." },
    [NET_DEV_TRANSMIT_CARRIER] = { "carrier", 1,
                                   "Packets lost to the carrier, an abort, the window or the "
                                   "heartbeat." },
    [NET_DEV_TRANSMIT_COMPRESSED] = { "compressed", 1, "Compressed packets sent." },
};

// An interface that was seen, and its series.
struct known {
    char name[NET_DEV_NAME_MAX + 1];
    uint32_t name_len;
    uint32_t next; // the one of the line below when it was last seen, or NOBODY
    uint64_t seen; // tick it was last there
    bool wanted;   // it passes the filter
    uint32_t slots[NET_DEV_COLUMNS];
};

struct net_dev_state {
    unsigned tag;           // NET_DEV_TAG
    struct net_dev net_dev; // of the tick at hand
    const name_filter_t *filter;
    uint64_t tick;   // samples so far
    uint32_t layout; // of net_dev, when the series of `known` were made
    uint32_t first;  // the one of the first line at the tick before, or NOBODY
    uint32_t n;      // of known
    uint32_t size;   // allocated
    struct known *known;
    map_t *by_name; // -> place in known + 1
};

static int s_headings(struct net_dev *out, struct proc_text *rest);
static int s_learn(struct net_dev *out, struct proc_text line);
static int s_interface(struct net_dev *out, struct proc_text line);
static uint32_t s_find(struct net_dev_state *self, series_table_t *table, uint32_t before,
                       const struct net_dev_interface *interface);
static uint32_t s_add(struct net_dev_state *self, series_table_t *table,
                      const struct net_dev_interface *interface);
static void s_make_series(struct known *known, uint32_t has, series_table_t *table);
static void s_forget(struct net_dev_state *self, uint64_t least);

int
net_dev_parse(struct net_dev *out, const char *text, size_t len)
{
    struct proc_text rest = proc_text(text, len);
    struct proc_text line;
    int rc = s_headings(out, &rest);

    out->n = 0;
    while (rc == 0 && proc_text_line(&rest, &line))
        rc = s_interface(out, line);
    return rc == 0 ? (int) out->n : rc;
}

// The two lines "Inter-| Receive | Transmit" and " face |bytes ...|bytes ...".
static int
s_headings(struct net_dev *out, struct proc_text *rest)
{
    struct proc_text line;

    if (!proc_text_line(rest, &line) || memchr(line.at, '|', proc_text_len(&line)) == NULL ||
        !proc_text_line(rest, &line))
        return ERR_FORMAT;
    if (out->head_len > 0 && proc_text_len(&line) == out->head_len &&
        memcmp(line.at, out->head, out->head_len) == 0)
        return 0;
    return s_learn(out, line);
}

static enum net_dev_column
s_column(const struct proc_text *key, size_t half)
{
    size_t column = 0;

    while (column < NET_DEV_COLUMNS &&
           !(columns[column].half == half && proc_text_is(key, columns[column].key)))
        column++;
    return (enum net_dev_column) column;
}

static int
s_learn(struct net_dev *out, struct proc_text line)
{
    const struct proc_text whole = line;

    out->head_len = 0;
    out->columns = 0;
    out->numbers = 0;
    for (size_t half = 0; half < N_HALVES; half++) {
        const char *bar = memchr(line.at, '|', proc_text_len(&line));
        struct proc_text part, key;

        if (bar == NULL)
            return ERR_FORMAT;
        line.at = bar + 1;
        bar = memchr(line.at, '|', proc_text_len(&line));
        part = (struct proc_text){ .at = line.at, .end = bar != NULL ? bar : line.end };
        while (key = proc_text_word(&part), proc_text_len(&key) > 0) {
            const enum net_dev_column column = s_column(&key, half);

            if (out->numbers == NET_DEV_NUMBERS_MAX)
                return ERR_FORMAT;
            out->column_of[out->numbers++] = (uint8_t) column;
            if (column < NET_DEV_COLUMNS)
                out->columns |= 1u << column;
        }
    }
    if (out->columns == 0 || proc_text_len(&whole) > sizeof out->head)
        return ERR_FORMAT;
    out->head_len = (uint32_t) proc_text_len(&whole);
    memcpy(out->head, whole.at, out->head_len);
    out->layouts++;
    return 0;
}

// "  eth0: 1 2 3 ...". An alias has a colon in its name ("eth0:1:"), so the last one ends it; an
// old kernel puts no blank behind it.
static int
s_interface(struct net_dev *out, struct proc_text line)
{
    const char *colon = memrchr(line.at, ':', proc_text_len(&line));
    struct net_dev_interface *interface;

    while (line.at < line.end && *line.at == ' ')
        line.at++;
    if (colon == NULL || colon <= line.at || colon - line.at > NET_DEV_NAME_MAX)
        return ERR_FORMAT;
    if (out->n == out->size) {
        out->size = out->size == 0 ? 8 : out->size * 2;
        out->interfaces = xrealloc(out->interfaces, out->size, sizeof *out->interfaces);
    }
    interface = &out->interfaces[out->n];
    *interface = (struct net_dev_interface){ .name = line.at,
                                             .name_len = (uint32_t) (colon - line.at) };
    line.at = colon + 1;
    for (uint32_t i = 0; i < out->numbers; i++) {
        struct proc_number number;

        if (proc_number_take(&line, &number) != 1 || number.negative)
            return ERR_FORMAT;
        if (out->column_of[i] < NET_DEV_COLUMNS)
            interface->counters[out->column_of[i]] = number.magnitude;
    }
    out->n++;
    return 0;
}

void
net_dev_release(struct net_dev *net_dev)
{
    free(net_dev->interfaces);
    *net_dev = (struct net_dev){ 0 };
}

static void *
s_make(const struct proc_setup *setup)
{
    struct net_dev_state *self = xcalloc(1, sizeof *self);

    self->tag = NET_DEV_TAG;
    self->filter = setup->filters[PROC_FILTER_NET];
    self->first = NOBODY;
    self->by_name = map_new();
    return self;
}

static int
s_sample(void *arg, series_table_t *table, size_t file, const char *text, size_t len)
{
    struct net_dev_state *self = arg;
    const struct net_dev *net_dev = &self->net_dev;
    uint32_t at = NOBODY;
    int rc;

    (void) file;
    assert(self->tag == NET_DEV_TAG);
    rc = net_dev_parse(&self->net_dev, text, len);
    if (rc < 0)
        return rc;
    // Other columns: other series. Never seen while a kernel runs.
    if (self->layout != net_dev->layouts)
        s_forget(self, UINT64_MAX);
    self->layout = net_dev->layouts;
    self->tick++;
    for (uint32_t i = 0; i < net_dev->n; i++) {
        const struct net_dev_interface *interface = &net_dev->interfaces[i];

        at = s_find(self, table, at, interface);
        self->known[at].seen = self->tick;
        for (size_t c = 0; self->known[at].wanted && c < NET_DEV_COLUMNS; c++)
            proc_number_set(table, self->known[at].slots[c],
                            (struct proc_number){ .magnitude = interface->counters[c] });
    }
    if (self->n > 2 * net_dev->n + SPARE)
        s_forget(self, self->tick);
    return 0;
}

static bool
s_is(const struct known *known, const struct net_dev_interface *interface)
{
    return known->name_len == interface->name_len &&
           memcmp(known->name, interface->name, interface->name_len) == 0;
}

// The place in `known` of the interface of a line; `before` is that of the line above.
static uint32_t
s_find(struct net_dev_state *self, series_table_t *table, uint32_t before,
       const struct net_dev_interface *interface)
{
    uint32_t at = before == NOBODY ? self->first : self->known[before].next;

    if (at != NOBODY && s_is(&self->known[at], interface))
        return at;
    at = (uint32_t) (uintptr_t) map_get(self->by_name, interface->name, interface->name_len);
    at = at > 0 ? at - 1 : s_add(self, table, interface);
    if (before == NOBODY)
        self->first = at;
    else
        self->known[before].next = at;
    return at;
}

static uint32_t
s_add(struct net_dev_state *self, series_table_t *table, const struct net_dev_interface *interface)
{
    const uint32_t at = self->n++;
    struct known *known;

    if (at == self->size) {
        self->size = self->size == 0 ? 8 : self->size * 2;
        self->known = xrealloc(self->known, self->size, sizeof *self->known);
    }
    known = &self->known[at];
    *known = (struct known){
        .name_len = interface->name_len,
        .next = NOBODY,
        .wanted = name_filter_passes(self->filter, interface->name, interface->name_len),
    };
    memcpy(known->name, interface->name, interface->name_len);
    map_put(self->by_name, known->name, known->name_len, (void *) (uintptr_t) (at + 1));
    if (known->wanted)
        s_make_series(known, self->net_dev.columns, table);
    return at;
}

static void
s_make_series(struct known *known, uint32_t has, series_table_t *table)
{
    for (size_t c = 0; c < NET_DEV_COLUMNS; c++) {
        const struct column *column = &columns[c];
        char name[NAME_SIZE];
        const struct series_spec spec = {
            .name = name,
            .kind = METRIC_COUNTER,
            .form = { .exponent = 0, .unit = 1 },
            .job = "node",
            .help = column->help,
        };

        known->slots[c] = SERIES_NONE;
        if ((has & 1u << c) == 0)
            continue;
        snprintf(name, sizeof name, "node_network_%s_%s_total", halves[column->half], column->key);
        known->slots[c] = series_table_slot(table, &spec,
                                            &(const struct label){ "device", known->name }, 1);
    }
}

// Those that were last there before tick `least`. One that comes back finds its series again.
static void
s_forget(struct net_dev_state *self, uint64_t least)
{
    uint32_t kept = 0;

    map_destroy(&self->by_name);
    self->by_name = map_new();
    for (uint32_t i = 0; i < self->n; i++) {
        if (self->known[i].seen < least)
            continue;
        self->known[kept] = self->known[i];
        self->known[kept].next = NOBODY;
        kept++;
        map_put(self->by_name, self->known[kept - 1].name, self->known[kept - 1].name_len,
                (void *) (uintptr_t) kept);
    }
    self->n = kept;
    self->first = NOBODY;
}

static void
s_end(void **self_p)
{
    struct net_dev_state *self = *self_p;

    if (self == NULL)
        return;
    net_dev_release(&self->net_dev);
    map_destroy(&self->by_name);
    free(self->known);
    free(self);
    *self_p = NULL;
}

const struct proc_family net_dev_family = {
    .name = "netdev",
    .filters = 1u << PROC_FILTER_NET,
    .files = { { .path = "proc/net/dev" } },
    .make = s_make,
    .sample = s_sample,
    .end = s_end,
};
