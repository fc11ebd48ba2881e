// test_open_tile - what was appended is read again, block for block, whatever a reader saw when.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "collector/store/open_tile.h"
#include "shared/base/xalloc.h"
#include "tests/support/seeded.h"

#define SLOTS_MOST 700u
#define BODY_SIZE  65536u
#define NO_BOUND   INT64_MAX

// What one block should come back as.
struct told {
    uint64_t seq;
    int64_t time_ms;
    bool dense;
    uint32_t n;
    uint32_t slots[SLOTS_MOST];
    struct cell cells[SLOTS_MOST];
};

// The sending side of a stream, and all that it said.
struct sender {
    struct row_state state;
    uint64_t seed;
    uint64_t seq;
    int64_t t0_ms;
    struct cell row[SLOTS_MOST];
    struct told *told;
    uint32_t n_told;
    uint8_t body[BODY_SIZE];
};

static piece_pool_t *pool;
static open_tile_t *tile;
static struct sender sender;

static int
setup(void **state)
{
    const struct open_tile_origin origin = { .number = 7, .host = 1, .stream = 2 };

    (void) state;
    pool = piece_pool_new();
    tile = open_tile_new(pool, &origin);
    memset(&sender, 0, sizeof sender);
    sender.t0_ms = 1700000000000;
    return 0;
}

static int
teardown(void **state)
{
    (void) state;
    open_tile_drop(&tile);
    assert_int_equal(piece_pool_bytes(pool), 0);
    piece_pool_destroy(&pool);
    row_state_release(&sender.state);
    free(sender.told);
    return 0;
}

static struct told *
told_more(struct sender *s)
{
    s->told = xrealloc(s->told, s->n_told + 1, sizeof *s->told);
    memset(&s->told[s->n_told], 0, sizeof *s->told);
    return &s->told[s->n_told++];
}

// Most cells change a little, some not at all, few come, go or are no integers.
static void
move_on(struct sender *s)
{
    for (uint32_t i = 0; i < s->state.slots; i++) {
        const uint32_t what = seeded_below(&s->seed, 100);

        if (what < 40)
            s->row[i].m += (int64_t) seeded_below(&s->seed, 300);
        if (what >= 97)
            s->row[i].state = CELL_ABSENT;
        else if (what >= 40 || s->row[i].state == CELL_RAW)
            s->row[i].state = CELL_INTEGER;
        if (what == 96) {
            s->row[i].state = CELL_RAW;
            s->row[i].bits = seeded_next(&s->seed);
        }
    }
}

static void
add_dense(struct sender *s, struct wbuf *w, int64_t offset_ms)
{
    struct told *told = told_more(s);

    *told = (struct told){ .seq = s->seq, .time_ms = s->t0_ms + offset_ms, .dense = true };
    for (uint32_t i = 0; i < s->state.slots; i++) {
        if (s->row[i].state == CELL_ABSENT)
            continue;
        told->slots[told->n] = i;
        told->cells[told->n++] = s->row[i];
    }
    row_put(&s->state, w, offset_ms, s->row);
}

static void
add_sparse(struct sender *s, struct wbuf *w, int64_t offset_ms)
{
    struct told *told = told_more(s);

    *told = (struct told){ .seq = s->seq, .time_ms = s->t0_ms + offset_ms, .n = 2 };
    told->slots[0] = 0;
    told->slots[1] = s->state.slots - 1;
    told->cells[0] = (struct cell){ .state = CELL_INTEGER, .m = -3 };
    told->cells[1] = (struct cell){ .state = CELL_RAW, .bits = 99 };
    row_put_sparse(&s->state, w, offset_ms, told->slots, told->cells, 2);
}

// The next record of the sender: one dense block, sometimes a sparse one beside it.
static struct open_record
next_record(struct sender *s, bool key)
{
    const bool sparse = seeded_below(&s->seed, 5) == 0 && s->state.slots > 1;
    struct open_record record = { .key = key, .seq = s->seq, .until_ms = NO_BOUND };
    const uint32_t before = s->n_told;
    struct wbuf w;

    s->t0_ms += 1000;
    move_on(s);
    wbuf_init(&w, s->body, sizeof s->body);
    if (key)
        row_put_key(&s->state, &w);
    add_dense(s, &w, 0);
    if (sparse)
        add_sparse(s, &w, -37);
    assert_true(wbuf_finish(&w) > 0);
    record.t0_ms = s->t0_ms;
    record.width = s->state.slots;
    record.first_ms = sparse ? s->t0_ms - 37 : s->t0_ms;
    record.last_ms = s->t0_ms;
    for (uint32_t i = before; i < s->n_told; i++)
        record.samples += s->told[i].n;
    record.body = s->body;
    record.body_len = (uint32_t) w.len;
    s->seq++;
    return record;
}

static void
append(struct sender *s, bool key)
{
    const struct open_record record = next_record(s, key);

    open_tile_append(tile, &record);
}

// A block is exactly as it was told.
static void
assert_told(const struct open_block *block, const struct told *told)
{
    assert_int_equal(block->seq, told->seq);
    assert_int_equal(block->time_ms, told->time_ms);
    assert_int_equal(block->dense, told->dense);
    assert_int_equal(block->n, told->n);
    for (uint32_t i = 0; i < told->n; i++) {
        assert_int_equal(block->slots[i], told->slots[i]);
        assert_int_equal(block->cells[i].state, told->cells[i].state);
        assert_int_equal(block->cells[i].bits, told->cells[i].bits);
    }
}

// Everything from told[from] on, and no more.
static void
assert_reads(const struct sender *s, uint32_t from)
{
    open_cursor_t *cursor = open_cursor_new(tile);
    struct open_block block;
    uint32_t n = from;
    int rc;

    while ((rc = open_cursor_next(cursor, &block)) == 1) {
        assert_true(n < s->n_told);
        assert_told(&block, &s->told[n++]);
    }
    assert_int_equal(rc, 0);
    assert_int_equal(n, s->n_told);
    open_cursor_destroy(&cursor);
}

// Of everything from told[from] on, every `each`th slot alone.
static void
assert_picks(const struct sender *s, uint32_t from, uint32_t each)
{
    open_cursor_t *cursor = open_cursor_new(tile);
    uint32_t slots[SLOTS_MOST];
    struct open_block block;
    uint32_t n_slots = 0;
    int rc;

    for (uint32_t slot = each / 2; slot < SLOTS_MOST; slot += each)
        slots[n_slots++] = slot;
    open_cursor_choose(cursor, slots, n_slots);
    while ((rc = open_cursor_next(cursor, &block)) == 1) {
        struct told *told = &s->told[from++];
        uint32_t n = 0;

        for (uint32_t i = 0; i < told->n; i++) {
            told->slots[n] = told->slots[i];
            told->cells[n] = told->cells[i];
            n += told->slots[i] % each == each / 2;
        }
        told->n = n;
        assert_told(&block, told);
    }
    assert_int_equal(rc, 0);
    assert_int_equal(from, s->n_told);
    open_cursor_destroy(&cursor);
}

static void
an_empty_tile_has_nothing_to_read(void **state)
{
    const struct open_tile_stat stat = open_tile_stat(tile);

    (void) state;
    assert_reads(&sender, 0);
    assert_int_equal(stat.bytes, 0);
    assert_true(stat.first_ms > stat.last_ms);
}

static void
rows_of_any_width_and_many_pieces_come_back(void **state)
{
    (void) state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        open_tile_drop(&tile);
        tile = open_tile_new(pool, &(struct open_tile_origin){ .number = seed });
        row_state_release(&sender.state);
        sender.n_told = 0;
        sender.seed = seed;
        memset(sender.row, 0, sizeof sender.row);
        row_state_grow(&sender.state, 1 + seeded_below(&sender.seed, SLOTS_MOST / 2));
        for (uint32_t i = 0; i < 200; i++) {
            if (seeded_below(&sender.seed, 20) == 0)
                sender.seq += seeded_below(&sender.seed, 3); // definitions stand between
            if (seeded_below(&sender.seed, 20) == 0 && sender.state.slots < SLOTS_MOST)
                row_state_grow(&sender.state, sender.state.slots + 1);
            append(&sender, i == 0 || seeded_below(&sender.seed, 50) == 0);
        }
        assert_reads(&sender, 0);
        assert_picks(&sender, 0, 1 + (uint32_t) seed * 7);
    }
}

static void
a_tile_that_begins_at_a_delta_is_read_alone(void **state)
{
    uint32_t before;

    (void) state;
    sender.seed = 5;
    row_state_grow(&sender.state, 90);
    // What the tile does not get.
    for (uint32_t i = 0; i < 30; i++)
        (void) next_record(&sender, i == 0);
    before = sender.n_told;
    open_tile_begin(tile, &sender.state);
    assert_reads(&(struct sender){ 0 }, 0);
    assert_int_equal(open_tile_stat(tile).records, 0);
    row_state_grow(&sender.state, 95);
    for (uint32_t i = 0; i < 60; i++)
        append(&sender, false);
    assert_reads(&sender, before);
    assert_picks(&sender, before, 8);
    assert_int_equal(open_tile_stat(tile).first_seq, 30);
    assert_int_equal(open_tile_stat(tile).next_seq, 90);
}

// What is kept of the records' blocks, from told[from] on; a block of which nothing is, is not
// told.
static void
cut(struct sender *s, uint32_t from, uint32_t *keep, uint32_t n)
{
    uint32_t told = from;

    for (uint32_t i = from; i < s->n_told; i++) {
        struct told *is = &s->told[told];
        uint32_t below = OPEN_WHOLE;

        *is = s->told[i];
        if (i - from < n)
            keep[i - from] = below = seeded_below(&s->seed, 3) == 0
                                         ? 0
                                         : 1 + seeded_below(&s->seed, 40);
        while (is->n > 0 && is->slots[is->n - 1] >= below)
            is->n--;
        told += below > 0;
    }
    s->n_told = told;
}

static void
what_was_cut_of_a_record_stays_out_and_the_rest_goes_on(void **state)
{
    (void) state;
    sender.seed = 9;
    row_state_grow(&sender.state, 40);
    for (uint32_t i = 0; i < 200; i++) {
        const uint32_t from = sender.n_told;
        struct open_record record = next_record(&sender, i % 20 == 0);
        uint32_t keep[2];

        assert_in_range(sender.n_told - from, 1, 2);
        record.keep = keep;
        record.n_keep = seeded_below(&sender.seed, sender.n_told - from + 1);
        cut(&sender, from, keep, record.n_keep);
        open_tile_append(tile, &record);
    }
    assert_reads(&sender, 0);
    assert_picks(&sender, 0, 3);
}

static void
what_is_too_far_ahead_stays_out_and_the_rest_goes_on(void **state)
{
    struct open_record record;

    (void) state;
    sender.seed = 6;
    row_state_grow(&sender.state, 20);
    append(&sender, true);
    record = next_record(&sender, false);
    record.until_ms = record.t0_ms - 10;
    // Its dense block is refused; so is nothing of the records after it.
    sender.n_told = 1;
    open_tile_append(tile, &record);
    while (sender.n_told == 1 || sender.seq < 10)
        append(&sender, false);
    {
        open_cursor_t *cursor = open_cursor_new(tile);
        struct open_block block;
        uint32_t n = 0;

        while (open_cursor_next(cursor, &block) == 1) {
            assert_false(block.seq == record.seq && block.dense);
            if (block.seq != record.seq)
                assert_told(&block, &sender.told[n++]);
        }
        assert_int_equal(n, sender.n_told);
        open_cursor_destroy(&cursor);
    }
}

static void
what_a_tile_holds_is_counted(void **state)
{
    struct slot_series series[3] = { { .id = 4, .to_seq = 6 },
                                     { .id = 0 },
                                     { .id = 9, .from_seq = 5, .to_seq = UINT64_MAX } };
    struct slot_map *map = slot_map_new(series, 3);
    struct open_tile_stat stat;
    open_cursor_t *cursor;

    (void) state;
    row_state_grow(&sender.state, 3);
    sender.seq = 4;
    open_tile_map(tile, map);
    slot_map_drop(map);
    append(&sender, true);
    append(&sender, false);
    stat = open_tile_stat(tile);
    assert_int_equal(stat.records, 2);
    assert_int_equal(stat.first_seq, 4);
    assert_int_equal(stat.next_seq, 6);
    assert_int_equal(stat.series, 2);
    assert_int_equal(stat.last_ms, sender.t0_ms);
    cursor = open_cursor_new(tile);
    assert_int_equal(slot_map_find(open_cursor_map(cursor), 0, 4)->id, 4);
    assert_int_equal(slot_map_find(open_cursor_map(cursor), 0, 5)->id, 4);
    assert_null(slot_map_find(open_cursor_map(cursor), 0, 6));
    assert_null(slot_map_find(open_cursor_map(cursor), 1, 4));
    assert_null(slot_map_find(open_cursor_map(cursor), 2, 4));
    assert_int_equal(slot_map_find(open_cursor_map(cursor), 2, 5)->id, 9);
    assert_null(slot_map_find(open_cursor_map(cursor), 3, 5));
    open_cursor_destroy(&cursor);
}

static void
a_cursor_outlives_the_tile_of_its_owner(void **state)
{
    open_cursor_t *cursor;
    struct open_block block;

    (void) state;
    row_state_grow(&sender.state, 10);
    append(&sender, true);
    cursor = open_cursor_new(tile);
    append(&sender, false);
    open_tile_drop(&tile);
    assert_int_equal(open_cursor_next(cursor, &block), 1);
    assert_told(&block, &sender.told[0]);
    while (open_cursor_next(cursor, &block) == 1)
        assert_int_equal(block.seq, 0); // nothing that came after the cursor was made
    open_cursor_destroy(&cursor);
}

#define READ_ROWS 400u

static void *
read_on(void *arg)
{
    const atomic_bool *done = arg;
    uint64_t seen = 0;

    while (!atomic_load(done)) {
        open_cursor_t *cursor = open_cursor_new(tile);
        struct open_block block;
        uint64_t n = 0;

        while (open_cursor_next(cursor, &block) == 1)
            n += block.dense;
        // Whole records, and never fewer than before.
        assert_int_equal(n, open_cursor_stat(cursor)->records);
        assert_true(n >= seen);
        seen = n;
        open_cursor_destroy(&cursor);
    }
    return NULL;
}

static void
readers_and_the_appender_do_not_wait_for_one_another(void **state)
{
    atomic_bool done = false;
    pthread_t reader;

    (void) state;
    row_state_grow(&sender.state, 40);
    append(&sender, true);
    assert_int_equal(pthread_create(&reader, NULL, read_on, &done), 0);
    for (uint32_t i = 0; i < READ_ROWS; i++)
        append(&sender, i % 100 == 0);
    atomic_store(&done, true);
    pthread_join(reader, NULL);
    assert_reads(&sender, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_empty_tile_has_nothing_to_read, setup, teardown),
        cmocka_unit_test_setup_teardown(rows_of_any_width_and_many_pieces_come_back, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_tile_that_begins_at_a_delta_is_read_alone, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_was_cut_of_a_record_stays_out_and_the_rest_goes_on,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_too_far_ahead_stays_out_and_the_rest_goes_on, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_a_tile_holds_is_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(a_cursor_outlives_the_tile_of_its_owner, setup, teardown),
        cmocka_unit_test_setup_teardown(readers_and_the_appender_do_not_wait_for_one_another, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
