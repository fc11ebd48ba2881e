// column - the values of one series in a tile: to bytes and back, bit for bit.
//
// In:     values in row order, those of the rows that have one: integers of the wire's form, among
//         them single doubles (marks of an end, what does not fit the form); or doubles alone,
//         whose decimal form is then looked for. Which rows have a value is the tile's to know.
// Out:    bytes that stand alone, and from them the values, all or a run of them. Every double
//         comes back in every bit: NaN with its payload, infinities, -0, denormals.
// Loss:   none. Bytes of a stranger are refused or give some values; no read leaves them, and no
//         number in them decides how much memory or time is taken: that is n alone.
// Thread: any; nothing is kept between calls.
// Cost:   integers 3 to 7 ns a value to bytes, doubles half as much again; back to doubles 1 to 4,
//         a tenth where nothing changes. Up to 40 KiB of stack.
// Source: collector/store/FORMAT.md, "Column".

#ifndef COLLECTOR_STORE_COLUMN_H
#define COLLECTOR_STORE_COLUMN_H

#include <stddef.h>
#include <stdint.h>

#include "shared/model/metric.h"

#define COLUMN_VALUES_MAX 1024u // of one column: the rows of a tile

// Room that writing n values may use; what is kept is at most 1 + 8 * n.
#define COLUMN_ROOM(n) (256u + 40u * (size_t) (n))

// Words of a bitmap with a bit for each of n: bit i % 64 of word i / 64.
#define COLUMN_WORDS(n) (((n) + 63u) / 64u)

// Writes n values (1 to COLUMN_VALUES_MAX, asserted) to `out`, which has COLUMN_ROOM(n); returns
// the bytes used. cells[i] is an integer of `form`, or the bits of a double where `raw` has a bit,
// and all of them where form.exponent is METRIC_RAW. `raw` may be NULL: none.
size_t column_put(uint8_t *out, struct metric_form form, const int64_t *cells, const uint64_t *raw,
                  uint32_t n);
// The same from doubles.
size_t column_put_doubles(uint8_t *out, const double *values, uint32_t n);
// The same from whole numbers that must come back as such (column_take_integers), whatever they are
// as doubles: at most COLUMN_ROOM(n) bytes.
size_t column_put_integers(uint8_t *out, const int64_t *m, uint32_t n);

// Reads `count` values from number `from` on (from + count <= n, asserted) of a column of n values
// in `len` bytes. 0; or ERR_FORMAT, or ERR_VERSION for a codec that is not known: then `out` holds
// nothing to be read. Costs as much as all values up to the last one asked for.
int column_take(double *out, const uint8_t *at, size_t len, uint32_t n, uint32_t from,
                uint32_t count);
// All n values of a column of whole numbers, as they are; n is 1 or more. ERR_FORMAT for any other.
int column_take_integers(int64_t *out, const uint8_t *at, size_t len, uint32_t n);

#endif
