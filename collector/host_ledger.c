// host_ledger - see the header.

#include "collector/host_ledger.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/map.h"
#include "shared/base/xalloc.h"

// Two stretches of one cause so near to each other are one: a host that is late each second.
#define MERGE_MS 2500

struct entry {
    struct ledger told;
    int64_t told_ms;  // real; 0: never
    bool measuring;   // `before` is not settled
    int64_t since_ms; // monotonic, measuring: since when
    uint64_t before;
    uint64_t taken[HOST_LEDGER_PINGS]; // at the last PINGs, in turn
    uint64_t pings;                    // since the last HELLO
    int64_t unbalanced;
    uint64_t refused[REFUSED_CAUSES]; // since our start
    uint64_t duplicates;
    limit_book_t *limits; // NULL: none refused anything
    uint64_t open_stream; // of the newest gap, while it has no end; 0: none is open
    uint32_t n_gaps;
    uint32_t gaps_size;     // allocated: most hosts have none
    struct query_gap *gaps; // oldest first
};

struct host_ledger {
    store_t *store; // NULL: none
    map_t *hosts;   // id -> struct entry
    size_t n_open;  // hosts with a gap that is open
};

static struct entry *s_entry(host_ledger_t *self, uint64_t host);
static void s_told(host_ledger_t *self, struct entry *e, const struct ledger *told,
                   int64_t real_ms);
static void s_measure(struct entry *e, const struct ledger *told, uint64_t taken);
static void s_compare(struct entry *e, const struct ledger *told, uint64_t taken);
static void s_missed(host_ledger_t *self, struct entry *e, uint8_t cause, uint64_t ticks,
                     int64_t from_ms, int64_t to_ms);
static void s_open(host_ledger_t *self, struct entry *e, uint64_t stream);
static struct query_gap *s_add_gap(host_ledger_t *self, struct entry *e);
static void s_free(struct entry *e);

host_ledger_t *
host_ledger_new(store_t *store)
{
    host_ledger_t *self = xcalloc(1, sizeof *self);

    self->store = store;
    self->hosts = map_new();
    return self;
}

void
host_ledger_destroy(host_ledger_t **self_p)
{
    host_ledger_t *self = *self_p;
    struct map_entry entry;
    size_t at = 0;

    if (self == NULL)
        return;
    while (map_next(self->hosts, &at, &entry))
        s_free(entry.value);
    map_destroy(&self->hosts);
    free(self);
    *self_p = NULL;
}

void
host_ledger_hello(host_ledger_t *self, uint64_t host, const struct ledger *told, bool ours,
                  const struct lane_host *own, struct host_time now)
{
    struct entry *e = s_entry(self, host);

    s_told(self, e, told, now.real_ms);
    e->pings = 0;
    e->unbalanced = 0;
    if (ours && own != NULL && own->settled) {
        e->measuring = false;
        e->before = own->before;
        return;
    }
    // What it says now may be from before the WELCOME: PINGs are what is measured.
    e->measuring = true;
    e->since_ms = now.mono_ms;
    e->before = 0;
}

bool
host_ledger_ping(host_ledger_t *self, uint64_t host, const struct ledger *told,
                 const struct lane_host *own, struct host_time now, uint64_t *before_ret)
{
    struct entry *e = s_entry(self, host);
    const uint64_t taken = own == NULL ? 0 : own->taken;
    bool settled = false;

    s_told(self, e, told, now.real_ms);
    if (!e->measuring) {
        s_compare(e, told, taken);
    } else {
        s_measure(e, told, taken);
        settled = now.mono_ms - e->since_ms >= HOST_LEDGER_SETTLE_MS;
        e->measuring = !settled;
        *before_ret = e->before;
    }
    e->taken[e->pings++ % HOST_LEDGER_PINGS] = taken;
    return settled;
}

void
host_ledger_fate(host_ledger_t *self, uint64_t host, const uint64_t refused[REFUSED_CAUSES])
{
    struct entry *e = s_entry(self, host);

    for (unsigned i = 0; i < REFUSED_CAUSES; i++)
        e->refused[i] += refused[i];
}

void
host_ledger_limit(host_ledger_t *self, uint64_t host, const struct refusal *refusal)
{
    struct entry *e = s_entry(self, host);

    if (e->limits == NULL)
        e->limits = limit_book_new();
    limit_book_add(e->limits, refusal);
}

void
host_ledger_duplicate(host_ledger_t *self, uint64_t host)
{
    s_entry(self, host)->duplicates++;
}

void
host_ledger_gap(host_ledger_t *self, uint64_t host, uint64_t stream, int64_t from_ms,
                uint64_t samples, uint8_t cause)
{
    struct entry *e = s_entry(self, host);

    *s_add_gap(self, e) = (struct query_gap){
        .from_ms = from_ms, .to_ms = from_ms, .count = samples, .cause = cause
    };
    s_open(self, e, stream);
}

void
host_ledger_gap_ends(host_ledger_t *self, uint64_t host, uint64_t stream, int64_t to_ms)
{
    struct entry *e;
    struct query_gap *gap;

    // It is asked of every record, and hardly ever there is one.
    if (self->n_open == 0)
        return;
    e = map_get_u64(self->hosts, host);
    if (e == NULL || e->open_stream != stream || e->n_gaps == 0)
        return;
    s_open(self, e, 0);
    gap = &e->gaps[e->n_gaps - 1];
    if (!gap->missed && to_ms > gap->to_ms)
        gap->to_ms = to_ms;
}

void
host_ledger_forget(host_ledger_t *self, uint64_t host)
{
    struct entry *e = map_remove_u64(self->hosts, host);

    if (e == NULL)
        return;
    s_open(self, e, 0);
    s_free(e);
}

void
host_ledger_get(const host_ledger_t *self, uint64_t host, const struct lane_host *own,
                struct query_ledger *ret)
{
    const struct entry *e = map_get_u64(self->hosts, host);
    uint64_t known = 0;

    *ret = (struct query_ledger){ .host = host };
    if (self->store != NULL)
        ret->conflicts = store_conflicts(self->store, host);
    if (e != NULL) {
        ret->settled = !e->measuring;
        ret->told_ms = e->told_ms;
        ret->told = e->told;
        ret->before = e->before;
        ret->duplicates = e->duplicates;
        ret->unbalanced = e->unbalanced;
        memcpy(ret->refused, e->refused, sizeof ret->refused);
        ret->n_gaps = e->n_gaps;
        if (e->n_gaps > 0)
            memcpy(ret->gaps, e->gaps, e->n_gaps * sizeof e->gaps[0]);
        if (e->limits != NULL)
            ret->n_limits = limit_book_get(e->limits, ret->limits);
    }
    if (own == NULL)
        return;
    for (unsigned i = 0; i < REFUSED_CAUSES; i++)
        known += ret->refused[i];
    ret->refused[REFUSED_EARLIER] += own->refused > known ? own->refused - known : 0;
    ret->stored = own->taken > own->refused ? own->taken - own->refused : 0;
    ret->elsewhere = own->elsewhere;
}

static struct entry *
s_entry(host_ledger_t *self, uint64_t host)
{
    struct entry *e = map_get_u64(self->hosts, host);

    if (e == NULL) {
        e = xcalloc(1, sizeof *e);
        e->measuring = true;
        map_put_u64(self->hosts, host, e);
    }
    return e;
}

// Ticks that were missed since it told last lie between the two.
static void
s_told(host_ledger_t *self, struct entry *e, const struct ledger *told, int64_t real_ms)
{
    for (uint8_t i = 0; i < MISSED_CAUSES && e->told_ms != 0; i++)
        if (told->missed[i] > e->told.missed[i])
            s_missed(self, e, i, told->missed[i] - e->told.missed[i], e->told_ms, real_ms);
    e->told = *told;
    e->told_ms = real_ms;
}

static void
s_measure(struct entry *e, const struct ledger *told, uint64_t taken)
{
    if (told->acked > taken && told->acked - taken > e->before)
        e->before = told->acked - taken;
}

static void
s_compare(struct entry *e, const struct ledger *told, uint64_t taken)
{
    const uint64_t acked = told->acked - e->before; // below 0 wraps, and so do the differences
    const int64_t lacking = (int64_t) (acked - taken);

    e->unbalanced = 0;
    if (lacking > 0) {
        e->unbalanced = lacking;
    } else if (e->pings >= HOST_LEDGER_PINGS) {
        const uint64_t then = e->taken[e->pings % HOST_LEDGER_PINGS];

        if ((int64_t) (acked - then) < 0)
            e->unbalanced = (int64_t) (acked - then);
    }
}

static void
s_missed(host_ledger_t *self, struct entry *e, uint8_t cause, uint64_t ticks, int64_t from_ms,
         int64_t to_ms)
{
    struct query_gap *last = e->n_gaps == 0 ? NULL : &e->gaps[e->n_gaps - 1];

    // Our clock went back between the two: when it was is not known any better.
    if (from_ms > to_ms)
        from_ms = to_ms;
    if (last != NULL && last->missed && last->cause == cause && from_ms >= last->from_ms &&
        from_ms - last->to_ms <= MERGE_MS) {
        last->to_ms = to_ms > last->to_ms ? to_ms : last->to_ms;
        last->count += ticks;
        return;
    }
    *s_add_gap(self, e) = (struct query_gap){
        .from_ms = from_ms, .to_ms = to_ms, .count = ticks, .missed = true, .cause = cause
    };
}

// From here on its newest gap is open, and the stream's; or, with 0, none is.
static void
s_open(host_ledger_t *self, struct entry *e, uint64_t stream)
{
    self->n_open -= e->open_stream != 0;
    e->open_stream = stream;
    self->n_open += e->open_stream != 0;
}

// The oldest makes room.
static struct query_gap *
s_add_gap(host_ledger_t *self, struct entry *e)
{
    if (e->n_gaps == QUERY_GAPS_MAX) {
        assert(e->gaps != NULL);
        memmove(e->gaps, e->gaps + 1, --e->n_gaps * sizeof e->gaps[0]);
    }
    if (e->n_gaps == e->gaps_size) {
        e->gaps_size = e->gaps_size == 0 ? 4 : 4 * e->gaps_size;
        e->gaps = xrealloc(e->gaps, e->gaps_size, sizeof e->gaps[0]);
    }
    s_open(self, e, 0);
    return &e->gaps[e->n_gaps++];
}

static void
s_free(struct entry *e)
{
    if (e == NULL)
        return;
    limit_book_destroy(&e->limits);
    free(e->gaps);
    free(e);
}
