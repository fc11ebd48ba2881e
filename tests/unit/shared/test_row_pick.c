// test_row_pick - what is picked of a body is what reading it all gives, and no more.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/err.h"
#include "shared/base/xalloc.h"
#include "shared/wire/row_pick.h"
#include "tests/support/seeded.h"

#define SLOTS_MOST 300u
#define BODY_SIZE  32768u
#define SEEDS      40u
#define RECORDS    30u
#define HARMS      200u

// A stream of rows, one who reads it all and one who picks.
struct stream {
    uint64_t seed;
    struct row_state state;
    struct cell row[SLOTS_MOST];
    row_decoder_t *decoder;
    row_picker_t *picker;
    uint32_t n_wanted;
    uint32_t wanted[SLOTS_MOST];
    uint8_t body[BODY_SIZE];
    size_t len;
};

static void
begin(struct stream *s, uint64_t seed)
{
    *s = (struct stream){ .seed = seed };
    row_state_grow(&s->state, 1 + seeded_below(&s->seed, SLOTS_MOST - 20));
    for (uint32_t slot = 0, some = 1 + seeded_below(&s->seed, 40); slot < SLOTS_MOST; slot++)
        if (seeded_below(&s->seed, some) == 0)
            s->wanted[s->n_wanted++] = slot;
    s->decoder = row_decoder_new(NULL);
    s->picker = row_picker_new(s->wanted, s->n_wanted);
}

static void
end(struct stream *s)
{
    row_state_release(&s->state);
    row_decoder_destroy(&s->decoder);
    row_picker_destroy(&s->picker);
}

// Changes of any length, doubles, and slots that come and go.
static void
move_on(struct stream *s)
{
    for (uint32_t i = 0; i < s->state.slots; i++) {
        const uint32_t what = seeded_below(&s->seed, 100);

        if (what >= 97)
            s->row[i].state = CELL_ABSENT;
        else if (what >= 60 || s->row[i].state == CELL_RAW)
            s->row[i].state = CELL_INTEGER;
        if (s->row[i].state == CELL_INTEGER && what < 60)
            s->row[i].bits += seeded_next(&s->seed) >> seeded_below(&s->seed, 64);
        if (what == 96)
            s->row[i] = (struct cell){ .state = CELL_RAW, .bits = seeded_next(&s->seed) };
    }
}

static void
put_sparse(struct stream *s, struct wbuf *w)
{
    uint32_t slots[SLOTS_MOST];
    struct cell cells[SLOTS_MOST];
    uint32_t n = 0;

    for (uint32_t i = 0; i < s->state.slots; i++) {
        const uint32_t what = seeded_below(&s->seed, 10);

        if (what > 3)
            continue;
        slots[n] = i;
        cells[n++] = (struct cell){ .state = what == 0 ? CELL_RAW : CELL_INTEGER,
                                    .bits = seeded_next(&s->seed) >> 8 * what };
    }
    if (n > 0)
        row_put_sparse(&s->state, w, -(int64_t) seeded_below(&s->seed, 900), slots, cells, n);
}

// A KEY or a DELTA of some blocks.
static void
put_record(struct stream *s, bool key)
{
    struct wbuf w;

    if (!key && s->state.slots < SLOTS_MOST && seeded_below(&s->seed, 4) == 0)
        row_state_grow(&s->state, s->state.slots + 1);
    wbuf_init(&w, s->body, sizeof s->body);
    if (key)
        row_put_key(&s->state, &w);
    for (uint32_t blocks = seeded_below(&s->seed, 4); blocks > 0; blocks--) {
        move_on(s);
        if (seeded_below(&s->seed, 3) == 0)
            put_sparse(s, &w);
        else
            (void) row_put(&s->state, &w, blocks, s->row);
    }
    assert_true(wbuf_finish(&w) >= 0);
    s->len = w.len;
}

static struct rbuf
reader(struct stream *s, const uint8_t *body, size_t len, bool key, bool picks)
{
    struct row_state *state = row_decoder_state(s->decoder);
    struct rbuf r;
    uint32_t width = s->state.slots;

    rbuf_init(&r, body, len);
    if (key)
        width = (uint32_t) rbuf_count(&r, SLOTS_MOST);
    if (picks && key)
        row_picker_key(s->picker, width);
    else if (picks)
        row_picker_widen(s->picker, width);
    else if (key)
        state->slots = 0;
    if (!picks)
        row_state_grow(state, width);
    return r;
}

// The wanted ones of `all`, and nothing else.
static void
assert_picked(const struct stream *s, const struct row_block *all, const struct row_block *some)
{
    uint32_t at = 0, k = 0;

    assert_int_equal(some->offset_ms, all->offset_ms);
    assert_int_equal(some->sparse, all->sparse);
    for (uint32_t i = 0; i < all->n; i++) {
        while (k < s->n_wanted && s->wanted[k] < all->slots[i])
            k++;
        if (k == s->n_wanted || s->wanted[k] != all->slots[i])
            continue;
        assert_true(at < some->n);
        assert_int_equal(some->slots[at], all->slots[i]);
        assert_int_equal(some->cells[at].state, all->cells[i].state);
        assert_int_equal(some->cells[at++].bits, all->cells[i].bits);
    }
    assert_int_equal(at, some->n);
}

// False: the body was refused, and both are of no use for what comes after it.
static bool
read_both(struct stream *s, const uint8_t *body, size_t len, bool key)
{
    struct rbuf r = reader(s, body, len, key, false);
    struct rbuf picking = reader(s, body, len, key, true);
    struct row_block all, some;
    int rc;

    while ((rc = row_decoder_next(s->decoder, &r, &all)) == 1) {
        assert_int_equal(row_picker_next(s->picker, &picking, &some), 1);
        assert_picked(s, &all, &some);
    }
    if (rc < 0) {
        while (row_picker_next(s->picker, &picking, &some) == 1) // as far as it goes
            assert_true(some.n <= s->n_wanted);
        return false;
    }
    assert_int_equal(row_picker_next(s->picker, &picking, &some), 0);
    return true;
}

static void
picking_is_reading_and_leaving_out(void **state)
{
    struct stream s;

    (void) state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        begin(&s, seed);
        for (uint32_t i = 0; i < RECORDS; i++) {
            const bool key = i == 0 || seeded_below(&s.seed, 10) == 0;

            put_record(&s, key);
            assert_true(read_both(&s, s.body, s.len, key));
        }
        end(&s);
    }
}

static void
who_wants_nothing_gets_blocks_without_cells(void **state)
{
    struct row_block block;
    struct stream s;
    struct rbuf r;

    (void) state;
    begin(&s, 3);
    row_picker_destroy(&s.picker);
    s.picker = row_picker_new(NULL, 0);
    s.n_wanted = 0;
    do
        put_record(&s, true);
    while (s.len < 20);
    r = reader(&s, s.body, s.len, true, true);
    assert_int_equal(row_picker_next(s.picker, &r, &block), 1);
    assert_int_equal(block.n, 0);
    assert_true(read_both(&s, s.body, s.len, true));
    end(&s);
}

// Each body in memory of its own size, so that a read past its end is seen by the tools.
static void
a_harmed_body_is_refused_or_read_alike(void **state)
{
    struct stream s;

    (void) state;
    for (uint64_t seed = 1; seed <= HARMS; seed++) {
        uint8_t *body;
        size_t len;

        begin(&s, seed);
        put_record(&s, true);
        assert_true(read_both(&s, s.body, s.len, true));
        put_record(&s, false);
        len = s.len > 0 ? seeded_below(&s.seed, (uint32_t) s.len) + 1 : 0;
        if (len > 1 && seeded_below(&s.seed, 2) == 0)
            s.body[seeded_below(&s.seed, (uint32_t) len)] ^= (uint8_t) (1u << seed % 8);
        body = xmemdup(s.body, len);
        (void) read_both(&s, body, len, false);
        free(body);
        end(&s);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(picking_is_reading_and_leaving_out),
        cmocka_unit_test(who_wants_nothing_gets_blocks_without_cells),
        cmocka_unit_test(a_harmed_body_is_refused_or_read_alike),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
