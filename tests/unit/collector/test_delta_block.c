// delta_block - every way to write a block is read as the format says, chosen by the writer or not.

#include "collector/store/delta_block.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shared/base/err.h"
#include "shared/base/wbuf.h"
#include "shared/base/xalloc.h"
#include "tests/support/seeded.h"

#define SEED    20251128
#define N_MOST  400u
#define ROOM    DELTA_ROOM(N_MOST)
#define N_OF(t) (sizeof(t) / sizeof(t)[0])

// One block as a person would write it: bit by bit, place by place.
struct block {
    enum delta_mode mode;
    unsigned width;
    uint8_t flags;
    uint64_t base;
    uint32_t places;
    uint8_t has[DELTA_BLOCK];        // a residual stands for this place
    uint64_t residuals[DELTA_BLOCK]; // one behind the other
    uint32_t n;                      // residuals
};

static void
choose(struct block *b, uint32_t places, uint64_t *seed)
{
    *b = (struct block){ .mode = (enum delta_mode) seeded_below(seed, 3),
                         .width = seeded_below(seed, DELTA_WIDTH_MAX + 1),
                         .flags = (uint8_t) seeded_below(seed, DELTA_FLAGS_ALL + 1),
                         .places = places };
    if ((b->flags & DELTA_BASE) != 0)
        b->base = seeded_wide(seed);
    for (uint32_t i = 0; i < places; i++) {
        b->has[i] = b->mode == DELTA_PLAIN || seeded_below(seed, 3) == 0;
        if (!b->has[i])
            continue;
        b->residuals[b->n] = b->width == 0 ? 0 : seeded_next(seed) >> (64 - b->width);
        if ((b->flags & DELTA_MORE) != 0 && seeded_below(seed, 8) == 0)
            b->residuals[b->n] |= b->width < 64 ? seeded_wide(seed) << b->width : 0;
        b->n++;
    }
}

static void
write_block(struct wbuf *w, const struct block *b)
{
    const uint64_t mask = (UINT64_C(1) << b->width) - 1;
    uint8_t bits[DELTA_BLOCK * 8] = { 0 }, map[DELTA_BLOCK / 8] = { 0 };
    uint32_t bit = 0, wide = 0;

    wbuf_u8(w, (uint8_t) ((unsigned) b->mode << DELTA_MODE_SHIFT | b->width));
    wbuf_u8(w, b->flags);
    if ((b->flags & DELTA_BASE) != 0)
        wbuf_svarint(w, (int64_t) b->base);
    for (uint32_t i = 0; i < b->places; i++)
        map[i / 8] = (uint8_t) (map[i / 8] | b->has[i] << i % 8);
    if (b->mode == DELTA_BITMAP)
        wbuf_bytes(w, map, (b->places + 7) / 8);
    if (b->mode == DELTA_LIST)
        wbuf_u8(w, (uint8_t) b->n);
    for (uint32_t i = 0; i < b->places && b->mode == DELTA_LIST; i++)
        if (b->has[i])
            wbuf_u8(w, (uint8_t) i);
    for (uint32_t i = 0; i < b->n; i++) {
        wide += b->residuals[i] > mask;
        for (unsigned k = 0; k < b->width; k++, bit++)
            bits[bit / 8] = (uint8_t) (bits[bit / 8] | (b->residuals[i] >> k & 1) << bit % 8);
    }
    wbuf_bytes(w, bits, (bit + 7) / 8);
    if ((b->flags & DELTA_MORE) == 0)
        return;
    wbuf_u8(w, (uint8_t) wide);
    for (uint32_t i = 0; i < b->n; i++)
        if (b->residuals[i] > mask)
            wbuf_u8(w, (uint8_t) i);
    for (uint32_t i = 0; i < b->n; i++)
        if (b->residuals[i] > mask)
            wbuf_varint(w, b->residuals[i] >> b->width);
}

// The integers that the block says, from *last on.
static void
say_block(const struct block *b, uint64_t *m, uint64_t *last, uint64_t *step, unsigned shift)
{
    uint32_t next = 0;

    for (uint32_t i = 0; i < b->places; i++) {
        uint64_t adds = b->base;

        if (b->has[i]) {
            const uint64_t r = b->residuals[next++] + (b->mode == DELTA_PLAIN ? 0 : 1);

            adds += (b->flags & DELTA_ZIGZAG) == 0 ? r : r % 2 == 0 ? r / 2 : ~(r / 2);
        }
        *step = (b->flags & DELTA_SECOND) != 0 ? *step + adds : adds;
        *last += *step << shift;
        m[i] = *last;
    }
}

static int
read_all(int64_t *m, const uint8_t *bytes, size_t len, uint32_t n)
{
    struct delta_reader reader;
    int64_t block[DELTA_BLOCK];
    uint32_t at = 0;
    int got;

    if (delta_take(&reader, bytes, len, n) < 0)
        return ERR_FORMAT;
    while ((got = delta_take_block(&reader, block)) > 0) {
        memcpy(m + at, block, (size_t) got * sizeof *block);
        at += (uint32_t) got;
    }
    return got < 0 ? got : delta_finish(&reader);
}

static void
every_way_to_write_a_block_is_read(void **state)
{
    static uint8_t bytes[64 * 1024];
    uint64_t seed = SEED;

    (void) state;
    for (int round = 0; round < 20000; round++) {
        const uint32_t n = 1 + seeded_below(&seed, N_MOST);
        const unsigned shift = seeded_below(&seed, 4) == 0 ? seeded_below(&seed, 64) : 0;
        uint64_t last = seeded_wide(&seed), step = 0, want[N_MOST];
        int64_t back[N_MOST];
        struct wbuf w;
        uint8_t *own;

        wbuf_init(&w, bytes, sizeof bytes);
        wbuf_u8(&w, (uint8_t) shift);
        wbuf_svarint(&w, (int64_t) last);
        want[0] = last;
        for (uint32_t at = 0; at < n; at += DELTA_BLOCK) {
            const uint32_t from = at == 0 ? 1 : at;
            const uint32_t end = n - at < DELTA_BLOCK ? n : at + DELTA_BLOCK;
            struct block b;

            if (from == end)
                break;
            choose(&b, end - from, &seed);
            write_block(&w, &b);
            say_block(&b, want + from, &last, &step, shift);
        }
        assert_true(wbuf_finish(&w) > 0);
        own = xmemdup(bytes, w.len);
        assert_int_equal(read_all(back, own, w.len, n), 0);
        assert_memory_equal(back, want, n * sizeof *want);
        free(own);
    }
}

static void
blocks_without_change_are_joined(void **state)
{
    uint8_t bytes[ROOM];
    int64_t m[N_MOST], back[N_MOST];
    size_t len;

    (void) state;
    for (uint32_t i = 0; i < N_MOST; i++)
        m[i] = i < 390 ? 7 : 8;
    len = (size_t) (delta_put(bytes, m, N_MOST) - bytes);
    assert_int_equal(len, 2 + 1 + 4); // shift, first; three blocks; a list of one
    assert_int_equal(bytes[2], DELTA_ZERO << DELTA_MODE_SHIFT | 2);
    assert_int_equal(read_all(back, bytes, len, N_MOST), 0);
    assert_memory_equal(m, back, sizeof m);
    // With one block fewer the last ones that are said to be unchanged are not there.
    assert_int_equal(read_all(back, bytes, 3, 256), ERR_FORMAT);
    assert_int_equal(read_all(back, bytes, 3, 384), 0);
}

static void
a_writer_stays_within_its_room(void **state)
{
    uint64_t seed = SEED + 1;
    int64_t m[N_MOST], back[N_MOST];

    (void) state;
    for (int round = 0; round < 3000; round++) {
        const uint32_t n = 1 + seeded_below(&seed, N_MOST);
        const uint32_t rare = 1 + seeded_below(&seed, 40);
        uint8_t *bytes = xmalloc(DELTA_ROOM(n)); // a sanitizer sees what is written behind it
        size_t len;

        for (uint32_t i = 0; i < n; i++)
            m[i] = (int64_t) (seeded_below(&seed, rare) == 0 ? seeded_next(&seed)
                                                             : seeded_wide(&seed) >> 40);
        len = (size_t) (delta_put(bytes, m, n) - bytes);
        assert_true(len <= DELTA_ROOM(n));
        assert_int_equal(read_all(back, bytes, len, n), 0);
        assert_memory_equal(m, back, n * sizeof *m);
        free(bytes);
    }
}

static void
what_the_format_does_not_allow_is_refused(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } cases[] = {
        { "", 0 },
        { "\0", 1 },
        { "\x40\0\xc0", 3 },                  // shift 64
        { "\0\0", 2 },                        // no block
        { "\0\0\xc1", 3 },                    // two blocks where there is room for one
        { "\0\0\xc0\0", 4 },                  // a byte too many
        { "\0\0\x39\0", 4 },                  // width 57
        { "\0\0\x01\x10\0", 5 },              // a flag that is not known
        { "\0\0\x41\0\x10\0", 6 },            // a bit for a fifth place
        { "\0\0\x81\0\x05\0\1\2\3\4\0", 11 }, // five in a list of four
        { "\0\0\x81\0\2\1\1\0", 8 },          // a list that does not rise
        { "\0\0\x81\0\2\1\4\0", 8 },          // a place behind the last
        { "\0\0\x01\x08\0\1\4\1", 8 },        // more bits for a residual behind the last
        { "\0\0\x01\x08\0\1\1", 7 },          // more bits that are not there
    };
    int64_t back[5];

    (void) state;
    for (size_t i = 0; i < N_OF(cases); i++) {
        uint8_t *own = xmemdup(cases[i].bytes, cases[i].len);

        if (read_all(back, own, cases[i].len, 5) != ERR_FORMAT)
            fail_msg("case %zu is taken", i);
        free(own);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_to_write_a_block_is_read),
        cmocka_unit_test(blocks_without_change_are_joined),
        cmocka_unit_test(a_writer_stays_within_its_room),
        cmocka_unit_test(what_the_format_does_not_allow_is_refused),
    };
    return cmocka_run_group_tests_name("delta_block", tests, NULL, NULL);
}
