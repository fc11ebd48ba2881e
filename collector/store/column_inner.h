// column_inner - what column_write and column_read share: the first bytes of a column.
//
// u8 kind: low half enum column_codec, high half the decimal exponent k of integers (else 0). Then
//   RAW           n doubles
//   CONSTANT      one double, which all n are
//   CONSTANT_INT  svarint M: all n are M / 10^k
//   INTEGERS      blocks of delta_block.h; value = M / 10^k
//   ODD_INTEGERS  u8 flags (COLUMN_RULE, COLUMN_ODD), [ODD: list], then as INTEGERS
//   XOR           bits of xor_run.h
// list: varint count, and for each odd value, rising: varint of 2 * (places between it and the one
// before) + 1 if it is the stale mark, or + 0 and then the eight bytes of a double.

#ifndef COLLECTOR_STORE_COLUMN_INNER_H
#define COLLECTOR_STORE_COLUMN_INNER_H

#include <stdint.h>

#include "collector/store/column.h"

enum column_codec {
    COLUMN_RAW = 0,
    COLUMN_CONSTANT = 1,
    COLUMN_CONSTANT_INT = 2,
    COLUMN_INTEGERS = 3,
    COLUMN_ODD_INTEGERS = 4,
    COLUMN_XOR = 5,
};

#define COLUMN_CODEC_MASK     0x0fu
#define COLUMN_EXPONENT_SHIFT 4

// How an integer becomes a value. The first is what zpulse-agent says; other programs compute
// their seconds in other ways, with other last bits.
enum column_rule {
    COLUMN_QUOTIENT = 0,  // M / 10^k
    COLUMN_PRODUCT = 1,   // M * 10^-k
    COLUMN_TWO_STEPS = 2, // M / 1000 / 1000
    COLUMN_RULE_MASK = 3, // 3 is unused
    COLUMN_ODD = 1 << 2,  // a list of odd values follows
    COLUMN_FLAGS_ALL = 7,
};

// Integers that stand for n values.
struct column_integers {
    uint8_t rule;                                  // enum column_rule
    uint8_t exponent;                              // k, 0 to METRIC_EXPONENT_MAX
    uint32_t n_odd;                                // values that no integer stands for
    int64_t m[COLUMN_VALUES_MAX];                  // of an odd one: anything
    uint64_t odd[COLUMN_WORDS(COLUMN_VALUES_MAX)]; // a bit for each of those
};

// 10^k and 10^-k, exact and nearest.
extern const double column_powers[METRIC_EXPONENT_MAX + 1];
extern const double column_fractions[METRIC_EXPONENT_MAX + 1];

// Finds integers for n doubles, most of them at least, which is true. False if there are none.
bool column_decimal(struct column_integers *ret, const double *values, uint32_t n);

#endif
