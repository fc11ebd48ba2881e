// fuzz_column - strange bytes as a column; and doubles of the input, which must come back.
//
// u8: 0 to 127 the rest is a column, to 191 doubles, else cells. Then for a column u16 how many
// values it should have, u16 from which on and u16 how many are asked for; for cells u8 exponent,
// u32 unit, and u8 a mask: cells whose lowest byte has none of its bits are doubles.

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "collector/store/column.h"
#include "shared/base/rbuf.h"
#include "shared/model/sample.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t n);

static void
s_expect(bool claim)
{
    if (!claim)
        abort();
}

// What is written comes back, whole and in part.
static void
s_values(const double *values, uint32_t n)
{
    static uint8_t room[COLUMN_ROOM(COLUMN_VALUES_MAX)];
    static double back[COLUMN_VALUES_MAX];
    const size_t len = column_put_doubles(room, values, n);
    uint8_t *bytes = malloc(len); // of exactly its size, so that a read past it is seen

    s_expect(bytes != NULL && len <= 1 + n * sizeof *values);
    memcpy(bytes, room, len);
    s_expect(column_take(back, bytes, len, n, 0, n) == 0);
    s_expect(memcmp(back, values, n * sizeof *values) == 0);
    s_expect(column_take(back, bytes, len, n, n / 3, n - n / 2) == 0);
    s_expect(memcmp(back, values + n / 3, (n - n / 2) * sizeof *values) == 0);
    free(bytes);
}

static void
s_column(struct rbuf *r)
{
    static double whole[COLUMN_VALUES_MAX], part[COLUMN_VALUES_MAX];
    static int64_t integers[COLUMN_VALUES_MAX];
    const uint32_t n = 1 + rbuf_u16(r) % COLUMN_VALUES_MAX;
    const uint32_t from = rbuf_u16(r) % (n + 1);
    const uint32_t count = rbuf_u16(r) % (n - from + 1);
    const size_t len = rbuf_left(r);
    uint8_t *bytes = malloc(len > 0 ? len : 1);
    int rc;

    s_expect(bytes != NULL);
    memcpy(bytes, rbuf_bytes(r, len), len);
    rc = column_take(whole, bytes, len, n, 0, n);
    if (rc == 0) {
        s_expect(column_take(part, bytes, len, n, from, count) == 0);
        s_expect(memcmp(part, whole + from, count * sizeof *part) == 0);
        s_values(whole, n);
    } else {
        (void) column_take(part, bytes, len, n, from, count);
    }
    (void) column_take_integers(integers, bytes, len, n);
    free(bytes);
}

static void
s_cells(struct rbuf *r)
{
    static uint8_t bytes[COLUMN_ROOM(COLUMN_VALUES_MAX)];
    static double want[COLUMN_VALUES_MAX], back[COLUMN_VALUES_MAX];
    static int64_t cells[COLUMN_VALUES_MAX], again[COLUMN_VALUES_MAX];
    uint64_t raw[COLUMN_WORDS(COLUMN_VALUES_MAX)] = { 0 };
    const struct metric_form form = { .exponent = rbuf_u8(r), .unit = rbuf_u32(r) };
    const uint8_t mask = rbuf_u8(r);
    uint32_t n = 0;
    size_t len;

    while (rbuf_left(r) >= sizeof *cells && n < COLUMN_VALUES_MAX) {
        cells[n] = (int64_t) rbuf_u64(r);
        if (form.exponent == METRIC_RAW || (cells[n] & mask) == 0) {
            raw[n / 64] |= UINT64_C(1) << n % 64;
            want[n] = sample_from_bits((uint64_t) cells[n]);
        } else {
            want[n] = metric_value(form, cells[n]);
        }
        n++;
    }
    if (rbuf_rc(r) < 0 || n == 0 || !metric_form_valid(form))
        return;
    len = column_put(bytes, form, cells, raw, n);
    s_expect(len <= 1 + n * sizeof *want);
    s_expect(column_take(back, bytes, len, n, 0, n) == 0);
    s_expect(memcmp(back, want, n * sizeof *want) == 0);
    len = column_put_integers(bytes, cells, n);
    s_expect(len <= COLUMN_ROOM(n));
    s_expect(column_take_integers(again, bytes, len, n) == 0);
    s_expect(memcmp(again, cells, n * sizeof *cells) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
    static double values[COLUMN_VALUES_MAX];
    struct rbuf r;
    uint8_t kind;

    rbuf_init(&r, at, n);
    if (n < 9)
        return 0;
    kind = rbuf_u8(&r);
    if (kind < 128 || kind >= 192) {
        kind < 128 ? s_column(&r) : s_cells(&r);
        return 0;
    }
    n = rbuf_left(&r) / sizeof *values;
    n = n < COLUMN_VALUES_MAX ? n : COLUMN_VALUES_MAX;
    memcpy(values, r.at, n * sizeof *values);
    s_values(values, (uint32_t) n);
    return 0;
}
