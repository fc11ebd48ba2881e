// test_lane_model - a sender's truth, a network that drops, doubles, delays and repeats, and a
// receiver so naive that it can be seen to be right. The lane must give the same.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/xalloc.h"
#include "shared/model/sample.h"
#include "shared/wire/lane.h"
#include "tests/support/seeded.h"
#include "tests/unit/shared/lane_stream.h"

#define RECORDS 400 // of a stream
#define SLOTS   40

static double
value_of(uint32_t slot, const struct cell *cell)
{
    return cell->state == CELL_RAW ? sample_from_bits(cell->bits)
                                   : metric_value(form_of(slot), cell->m);
}

// One record of the sender, with the truth that it tells.
static struct told {
    uint8_t type;
    uint32_t count;
    uint64_t total;
    size_t len;
    uint8_t *body;
    struct cell row[SLOTS]; // KEY and DELTA
    uint32_t from, n_slots; // DEF: slots from to n_slots - 1; TABLE: the living below n_slots
    bool living[SLOTS];
} told[RECORDS];

struct sender {
    uint64_t seed;
    struct row_state state;
    uint32_t n_slots;
    bool dead[SLOTS];
    struct cell row[SLOTS];
    uint64_t total;
};

static void
tell_table(struct sender *s, struct told *t, struct wbuf *w)
{
    uint32_t n = 0;

    t->n_slots = s->n_slots;
    for (uint32_t slot = 0; slot < s->n_slots; slot++)
        n += t->living[slot] = !s->dead[slot];
    wbuf_varint(w, s->n_slots);
    wbuf_varint(w, n);
    for (uint32_t slot = 0; slot < s->n_slots; slot++) {
        if (t->living[slot])
            put_def(w, slot);
    }
}

static void
tell_defs(struct sender *s, struct told *t, struct wbuf *w)
{
    t->from = s->n_slots;
    s->n_slots += 1 + seeded_below(&s->seed, 3);
    s->n_slots = s->n_slots < SLOTS ? s->n_slots : SLOTS;
    t->n_slots = s->n_slots;
    wbuf_varint(w, t->n_slots - t->from);
    for (uint32_t slot = t->from; slot < t->n_slots; slot++)
        put_def(w, slot);
    row_state_grow(&s->state, s->n_slots);
}

static void
tell_row(struct sender *s, struct told *t, struct wbuf *w)
{
    for (uint32_t slot = 0; slot < s->n_slots; slot++) {
        struct cell *cell = &s->row[slot];

        s->dead[slot] = s->dead[slot] || seeded_below(&s->seed, 400) == 0;
        if (s->dead[slot] || seeded_below(&s->seed, 10) == 0)
            *cell = (struct cell){ .state = CELL_ABSENT };
        else if (form_of(slot).exponent == METRIC_RAW || seeded_below(&s->seed, 20) == 0)
            *cell = (struct cell){ .state = CELL_RAW, .bits = seeded_next(&s->seed) };
        else
            *cell = (struct cell){ .state = CELL_INTEGER, .m = seeded_below(&s->seed, 1000) };
    }
    if (t->type == RECORD_KEY)
        row_put_key(&s->state, w);
    t->count = row_put(&s->state, w, 0, s->row);
    memcpy(t->row, s->row, sizeof s->row);
}

// What the sender says at seq. A stream opens with its first definitions.
static void
tell(struct sender *s, uint64_t seq, uint8_t type)
{
    struct told *t = &told[seq];
    uint8_t body[BODY_SIZE];
    struct wbuf w;

    free(t->body);
    *t = (struct told){ .type = type, .total = s->total };
    wbuf_init(&w, body, sizeof body);
    if (type == RECORD_TABLE)
        tell_table(s, t, &w);
    else if (type == RECORD_DEF)
        tell_defs(s, t, &w);
    else if (type == RECORD_KEY || type == RECORD_DELTA)
        tell_row(s, t, &w);
    assert_true(wbuf_finish(&w) >= 0);
    t->len = w.len;
    t->body = xmemdup(body, w.len > 0 ? w.len : 1);
    s->total += t->count;
}

static void
tell_all(struct sender *s)
{
    for (uint64_t seq = 0; seq < RECORDS; seq++) {
        uint32_t dice = seeded_below(&s->seed, 100);
        uint8_t type = RECORD_DELTA;

        if (seq == 0 || (dice < 8 && s->n_slots < SLOTS))
            type = RECORD_DEF;
        else if (dice < 12)
            type = RECORD_TABLE;
        else if (dice < 15)
            type = RECORD_EVENT;
        else if (dice < 17)
            type = 99;
        else if (dice < 30 || seq == 1)
            type = RECORD_KEY;
        tell(s, seq, type);
    }
}

// The naive receiver.
static struct naive {
    uint64_t next, total;
    bool joined, defined[SLOTS], readable;
    uint64_t last; // seq last looked at
    struct lane_counters counters;
} naive;

static void
naive_define(const struct told *t, bool staged)
{
    for (uint32_t slot = 0; t->type == RECORD_TABLE && slot < SLOTS; slot++)
        naive.defined[slot] = t->living[slot] || (naive.defined[slot] && !staged);
    for (uint32_t slot = t->from; t->type == RECORD_DEF && slot < t->n_slots; slot++)
        naive.defined[slot] = true;
}

// Compares what was seen with the truth of a row.
static int
naive_row(const struct told *t, bool staged)
{
    uint32_t n = 0, missing = 0;

    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        if (t->row[slot].state == CELL_ABSENT)
            continue;
        if (!naive.defined[slot]) {
            missing++;
        } else if (is_refused(slot)) {
            naive.counters.refused += staged;
        } else {
            double value = value_of(slot, &t->row[slot]);

            if (staged) {
                assert_int_equal(seen.slots[n], slot);
                assert_int_equal(sample_bits(seen.values[n]), sample_bits(value));
            }
            n++;
        }
    }
    if (staged) {
        assert_int_equal(seen.n, n);
        naive.counters.samples += n;
        naive.counters.unreadable += missing;
    }
    return missing > 0 ? ERR_NEED_KEY : 0;
}

static int
naive_accept(uint64_t seq, const struct told *t, bool staged)
{
    bool defines = t->type == RECORD_TABLE || t->type == RECORD_DEF;
    bool aside = !staged && defines && seq != naive.last + 1;

    // A row repeated to who has read all there is takes nothing back.
    if (!staged && !defines && naive.readable && naive.last + 1 == naive.next && seq < naive.next)
        return 0;
    if (staged) {
        if (seq < naive.next) {
            naive.counters.duplicates++;
            if (t->type == RECORD_DEF)
                naive_define(t, false);
            return 1;
        }
        naive.counters.holes += seq - naive.next;
        naive.counters.records++;
        naive.counters.unknown += t->type == 99;
        naive.next = seq + 1;
    }
    if (!aside) {
        naive.readable = t->type == RECORD_KEY || (naive.readable && seq == naive.last + 1);
        naive.last = seq;
    }
    naive_define(t, staged);
    if (t->type != RECORD_KEY && t->type != RECORD_DELTA)
        return 0;
    if (naive.readable)
        return naive_row(t, staged);
    naive.counters.unreadable += staged ? t->count : 0;
    return ERR_NEED_KEY;
}

static void
deliver(uint64_t seq, const struct told *t, bool staged)
{
    struct record r = { .type = t->type,
                        .count = t->count,
                        .stream = STREAM,
                        .seq = seq,
                        .total = t->total,
                        .t0_ms = T0,
                        .body = t->body,
                        .body_len = (uint32_t) t->len };
    int rc;

    memset(&seen, 0, sizeof seen);
    rc = lane_accept(lane, staged ? &fresh : &repeat, &r);
    assert_int_equal(rc, naive_accept(seq, t, staged));
    if (!staged)
        assert_int_equal(seen.rows, 0);
    assert_int_equal(lane_next(lane), naive.next);
    assert_memory_equal(lane_counters(lane), &naive.counters, sizeof naive.counters);
}

// The sender helps out: a TABLE of all it knows now, then what it has from a KEY below next on.
static void
deliver_repeats(struct sender *s, uint64_t *seed)
{
    uint64_t at = naive.next;
    uint64_t aside = RECORDS - 1; // a place of its own in `told`; never delivered by itself

    for (uint32_t skip = seeded_below(seed, 3); at > 0 && (told[at].type != RECORD_KEY || skip > 0);
         at--)
        skip -= told[at].type == RECORD_KEY;
    tell(s, aside, RECORD_TABLE);
    deliver(seeded_below(seed, 2) == 0 ? naive.next : RECORDS, &told[aside], false);
    for (; at < naive.next; at++) {
        if (seeded_below(seed, 30) != 0)
            deliver(at, &told[at], false);
    }
}

static void
whatever_the_network_does_no_value_is_wrong(void **state)
{
    (void) state;
    for (uint64_t run = 1; run <= 60; run++) {
        struct sender s = { .seed = run };
        uint64_t seed = ~run;

        teardown(NULL);
        setup(NULL);
        naive = (struct naive){ .last = UINT64_MAX };
        tell_all(&s);
        for (uint64_t seq = 0; seq < RECORDS - 1; seq++) {
            uint32_t dice = seeded_below(&seed, 60);

            if (dice == 0) {
                seq += seeded_below(&seed, 4); // lost
            } else if (dice == 1 && seq > 0) {
                deliver(seeded_below(&seed, (uint32_t) seq), &told[0], true); // late, and wrong
            } else if (dice == 2 && seq + 2 < RECORDS) {
                deliver(seq + 1, &told[seq + 1], true); // overtaken
            } else if (dice == 3 && naive.next < RECORDS - 1) {
                deliver_repeats(&s, &seed);
            }
            if (seq < RECORDS - 1)
                deliver(seq, &told[seq], true);
        }
        assert_true(naive.counters.samples > 0);
        row_state_release(&s.state);
    }
    for (int i = 0; i < RECORDS; i++)
        free(told[i].body);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(whatever_the_network_does_no_value_is_wrong, setup,
                                        teardown),
    };

    return cmocka_run_group_tests_name("lane_model", tests, NULL, NULL);
}
