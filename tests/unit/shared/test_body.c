// test_body - identities, definitions and gaps: what is right comes back, the rest is refused.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/err.h"
#include "shared/base/xalloc.h"
#include "shared/wire/body.h"

static uint8_t bytes[2 * BODY_NAME_MAX];
static struct wbuf w;
static struct rbuf r;

static const struct identity someone = {
    .host = 0x0102030405060708,
    .name = "web-01.example",
    .name_len = 14,
    .boot_id = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 },
    .version = "1.0.0",
    .version_len = 5,
    .interval_ms = 1000,
};

static int
through(struct identity *ret, const struct identity *id)
{
    wbuf_init(&w, bytes, sizeof bytes);
    identity_put(&w, id);
    rbuf_init(&r, bytes, (size_t) wbuf_finish(&w));
    return identity_take(&r, ret);
}

static void
an_identity_comes_back(void **state)
{
    struct identity id;

    (void) state;
    assert_int_equal(through(&id, &someone), 0);
    assert_int_equal(rbuf_finish(&r), 0);
    assert_int_equal(id.host, someone.host);
    assert_int_equal(id.interval_ms, someone.interval_ms);
    assert_memory_equal(id.boot_id, someone.boot_id, 16);
    assert_int_equal(id.name_len, 14);
    assert_memory_equal(id.name, someone.name, 14);
    assert_int_equal(id.version_len, 5);
    assert_memory_equal(id.version, someone.version, 5);
}

static void
who_has_no_name_number_or_interval_is_refused(void **state)
{
    static char long_name[BODY_NAME_MAX + 1];
    struct identity bad[7], id;

    (void) state;
    memset(long_name, 'x', sizeof long_name);
    for (int i = 0; i < 7; i++)
        bad[i] = someone;
    bad[0].host = 0;
    bad[1].name_len = 0;
    bad[2].name = "a\0b";
    bad[2].name_len = 3;
    bad[3].name = "\xff";
    bad[3].name_len = 1;
    bad[4].interval_ms = 0;
    bad[5].interval_ms = 3600001;
    bad[6].name = long_name;
    bad[6].name_len = sizeof long_name;
    for (int i = 0; i < 7; i++)
        assert_int_equal(through(&id, &bad[i]), ERR_FORMAT);
    bad[6].name_len--;
    assert_int_equal(through(&id, &bad[6]), 0);
}

static void
fields_of_a_later_version_are_left_standing(void **state)
{
    struct identity id;

    (void) state;
    wbuf_init(&w, bytes, sizeof bytes);
    identity_put(&w, &someone);
    wbuf_u64(&w, 42);
    rbuf_init(&r, bytes, w.len);
    assert_int_equal(identity_take(&r, &id), 0);
    assert_int_equal(rbuf_left(&r), 8);
}

static struct slot_def
definition(const struct label *labels, size_t n)
{
    struct slot_def def = { .slot = 300,
                            .kind = METRIC_COUNTER,
                            .form = { .exponent = 2, .unit = 1024 } };

    assert_int_equal(label_set_init(&def.labels, labels, n), 0);
    return def;
}

static const struct label cpu[] = { { "__name__", "node_cpu_seconds_total" },
                                    { "cpu", "0" },
                                    { "mode", "user" } };

static void
a_definition_comes_back(void **state)
{
    struct slot_def def = definition(cpu, 3), back;

    (void) state;
    wbuf_init(&w, bytes, sizeof bytes);
    slot_def_put(&w, &def);
    rbuf_init(&r, bytes, w.len);
    assert_int_equal(slot_def_take(&r, &back), 0);
    assert_int_equal(rbuf_finish(&r), 0);
    assert_int_equal(back.slot, 300);
    assert_int_equal(back.kind, METRIC_COUNTER);
    assert_int_equal(back.form.exponent, 2);
    assert_int_equal(back.form.unit, 1024);
    assert_true(label_set_equal(&back.labels, &def.labels));
    label_set_release(&back.labels);
    label_set_release(&def.labels);
}

static void
definitions_out_of_range_are_refused(void **state)
{
    struct slot_def bad[6], back;

    (void) state;
    for (int i = 0; i < 6; i++)
        bad[i] = definition(cpu, i == 5 ? 0 : 3);
    bad[0].slot = BODY_SLOTS_MAX;
    bad[1].kind = (enum metric_kind)(METRIC_KIND_MAX + 1);
    bad[2].form.exponent = METRIC_EXPONENT_MAX + 1;
    bad[3].form.unit = 0;
    bad[4].form.exponent = METRIC_RAW - 1;
    for (int i = 0; i < 6; i++) {
        wbuf_init(&w, bytes, sizeof bytes);
        slot_def_put(&w, &bad[i]);
        rbuf_init(&r, bytes, w.len);
        assert_int_equal(slot_def_take(&r, &back), ERR_FORMAT);
        label_set_release(&bad[i].labels);
    }
    // A unit of more than 32 bits.
    wbuf_init(&w, bytes, sizeof bytes);
    wbuf_bytes(&w, "\0\1\0", 3);
    wbuf_varint(&w, UINT64_C(1) << 32 | 1);
    wbuf_bytes(&w, "\1\10__name__\1x", 12);
    rbuf_init(&r, bytes, w.len);
    assert_int_equal(slot_def_take(&r, &back), ERR_FORMAT);
}

static void
a_gap_comes_back_with_a_cause(void **state)
{
    const struct gap gap = { .to = 7, .samples = UINT64_MAX, .cause = GAP_POWER_CUT };
    struct gap back;

    (void) state;
    wbuf_init(&w, bytes, sizeof bytes);
    gap_put(&w, &gap);
    assert_int_equal(w.len, 17);
    rbuf_init(&r, bytes, w.len);
    assert_int_equal(gap_take(&r, &back), 0);
    assert_int_equal(back.to, gap.to);
    assert_int_equal(back.samples, gap.samples);
    assert_int_equal(back.cause, gap.cause);
    bytes[16] = 0;
    rbuf_init(&r, bytes, w.len);
    assert_int_equal(gap_take(&r, &back), ERR_FORMAT);
}

static void
every_cut_is_refused(void **state)
{
    struct slot_def def = definition(cpu, 3);
    const struct gap gap = { .to = 7, .cause = 1 };
    struct identity id;
    struct gap back;

    (void) state;
    for (int what = 0; what < 3; what++) {
        wbuf_init(&w, bytes, sizeof bytes);
        if (what == 0)
            identity_put(&w, &someone);
        else if (what == 1)
            slot_def_put(&w, &def);
        else
            gap_put(&w, &gap);
        for (size_t n = 0; n < w.len; n++) {
            struct slot_def taken;
            uint8_t *copy = xmemdup(bytes, n > 0 ? n : 1);

            rbuf_init(&r, copy, n);
            assert_int_equal(what == 0   ? identity_take(&r, &id)
                             : what == 1 ? slot_def_take(&r, &taken)
                                         : gap_take(&r, &back),
                             ERR_FORMAT);
            free(copy);
        }
    }
    label_set_release(&def.labels);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_identity_comes_back),
        cmocka_unit_test(who_has_no_name_number_or_interval_is_refused),
        cmocka_unit_test(fields_of_a_later_version_are_left_standing),
        cmocka_unit_test(a_definition_comes_back),
        cmocka_unit_test(definitions_out_of_range_are_refused),
        cmocka_unit_test(a_gap_comes_back_with_a_cause),
        cmocka_unit_test(every_cut_is_refused),
    };

    return cmocka_run_group_tests_name("body", tests, NULL, NULL);
}
