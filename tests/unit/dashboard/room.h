// room - what the tests of the dashboard share: series of a host, rows, and answers made of them.

#ifndef TESTS_UNIT_DASHBOARD_ROOM_H
#define TESTS_UNIT_DASHBOARD_ROOM_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shared/model/label.h"
#include "shared/wire/query_msg.h"

#define N_OF(table) (sizeof(table) / sizeof(table)[0])
#define NO_LABEL   \
    {              \
        NULL, NULL \
    }

// A series of the host, with job "node" and up to two labels more.
static inline struct label_set
room_labels(const char *metric, const char *a, const char *a_value, const char *b,
            const char *b_value)
{
    struct label all[5] = { { "__name__", metric }, { "instance", "web-1" }, { "job", "node" } };
    struct label_set set;
    size_t n = 3;

    if (a != NULL)
        all[n++] = (struct label){ a, a_value };
    if (b != NULL)
        all[n++] = (struct label){ b, b_value };
    assert_int_equal(label_set_init(&set, all, n), 0);
    return set;
}

static inline struct label_set
room_cpu(const char *cpu, const char *mode)
{
    return room_labels("node_cpu_seconds_total", "cpu", cpu, "mode", mode);
}

// A series of an application; color NULL: it said none.
static inline struct label_set
room_app(const char *metric, const char *app, const char *color)
{
    const struct label all[] = { { "__name__", metric },
                                 { "app", app },
                                 { "instance", "web-1" },
                                 { "job", "app" },
                                 { "color", color } };
    struct label_set set;

    assert_int_equal(label_set_init(&set, all, color != NULL ? 5 : 4), 0);
    return set;
}

// A series of an answer with samples a second apart from t0_ms; NaN leaves one out.
static inline struct query_series
room_series(uint32_t id, struct label_set labels, int64_t t0_ms, const double *values, uint32_t n)
{
    struct query_series s = { .id = id, .kind = METRIC_COUNTER, .labels = labels };

    s.samples = calloc(n, sizeof *s.samples);
    assert_non_null(s.samples);
    for (uint32_t i = 0; i < n; i++)
        if (!isnan(values[i]))
            s.samples[s.n++] = (struct sample){ .time_ms = t0_ms + 1000 * (int64_t) i,
                                                .value = values[i] };
    return s;
}

// Equal, and a missing number is one on both sides.
static inline void
room_same(double got, double want)
{
    if (isnan(want))
        assert_true(isnan(got));
    else
        assert_true(fabs(got - want) < 1e-9);
}

#endif
