// import_check - what holds of every line of a file to be imported that was taken, whatever its
// form.

#ifndef TESTS_FUZZ_IMPORT_CHECK_H
#define TESTS_FUZZ_IMPORT_CHECK_H

#include <assert.h>

#include "collector/ctl/import_number.h"
#include "collector/ctl/import_series.h"
#include "shared/base/buf.h"
#include "shared/model/sample.h"

static inline void
import_check(const struct import_line *line)
{
    struct import_fault fault = { 0 };
    struct label_set set, again;
    struct buf text = { 0 };
    uint8_t decimals;
    double value;

    assert(line->time_ms >= 0 && line->time_ms <= IMPORT_TIME_MAX_MS);
    if (!sample_is_stale(line->value)) {
        buf_double(&text, line->value);
        assert(import_value(&value, &decimals, (char *) text.at, text.len) == 0);
        assert(sample_bits(value) == sample_bits(line->value));
    }
    buf_clear(&text);
    if (import_series_parse(&set, line->series, line->series_len, &fault) < 0) {
        assert(fault.rule != NULL && set.count == 0);
    } else {
        label_set_text(&text, &set);
        assert(import_series_parse(&again, (char *) text.at, text.len, &fault) == 0);
        assert(label_set_equal(&set, &again));
        label_set_release(&set);
        label_set_release(&again);
    }
    buf_release(&text);
}

#endif
