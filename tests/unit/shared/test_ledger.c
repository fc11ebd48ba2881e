// test_ledger - nothing is unaccounted for, and what is told is what was kept.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "shared/base/err.h"
#include "shared/model/ledger.h"
#include "shared/wire/body.h"

static const struct ledger some = {
    .produced = 1000,
    .acked = 600,
    .pending = 372,
    .lost = { 1, 2, 3, 4, 5, 6, 7 },
    .elsewhere = 20,
    .refused = 30,
    .missed = { 8, 9, 10 },
};

static void
each_sample_has_one_fate(void **state)
{
    struct ledger ledger = some;

    (void) state;
    assert_int_equal(ledger_lost(&ledger), 28);
    assert_int_equal(ledger_missed(&ledger), 27);
    assert_true(ledger_balanced(&ledger));
    ledger.lost[LOST_DAMAGE]++;
    assert_false(ledger_balanced(&ledger));
    ledger.produced++;
    assert_true(ledger_balanced(&ledger));
    ledger.elsewhere++; // a part of acked
    ledger.missed[MISSED_HUNG]++;
    assert_true(ledger_balanced(&ledger));
    assert_true(ledger_balanced(&(struct ledger){ 0 }));
}

static void
every_number_comes_through_whole_or_not_at_all(void **state)
{
    uint8_t bytes[LEDGER_SIZE_MAX];
    struct ledger most, heard;
    struct rbuf r;
    struct wbuf w;
    ptrdiff_t n;

    (void) state;
    memset(&most, 0xff, sizeof most);
    for (int round = 0; round < 2; round++) {
        const struct ledger *said = round == 0 ? &some : &most;

        wbuf_init(&w, bytes, sizeof bytes);
        ledger_put(&w, said);
        n = wbuf_finish(&w);
        assert_true(n > 0);
        for (size_t cut = 0; cut < (size_t) n; cut++) {
            rbuf_init(&r, bytes, cut);
            assert_int_equal(ledger_take(&r, &heard), ERR_FORMAT);
        }
        rbuf_init(&r, bytes, (size_t) n);
        assert_int_equal(ledger_take(&r, &heard), 0);
        assert_int_equal(rbuf_left(&r), 0);
        assert_memory_equal(&heard, said, sizeof heard);
    }
    assert_int_equal(n, LEDGER_SIZE_MAX);
}

static void
causes_have_names(void **state)
{
    (void) state;
    assert_string_equal(lost_cause_str(LOST_QUEUE), "queue");
    assert_string_equal(lost_cause_str(LOST_DAMAGE), "damage");
    assert_string_equal(lost_cause_str(LOST_CAUSES), "unknown");
    assert_string_equal(missed_cause_str(MISSED_SUSPENDED), "suspended");
    assert_string_equal(missed_cause_str(MISSED_CAUSES), "unknown");
}

static void
the_cause_of_a_gap_is_that_of_the_loss_and_one(void **state)
{
    (void) state;
    assert_int_equal(GAP_QUEUE_FULL, LOST_QUEUE + 1);
    assert_int_equal(GAP_SPOOL_BYTES, LOST_SPOOL_BYTES + 1);
    assert_int_equal(GAP_SPOOL_AGE, LOST_SPOOL_AGE + 1);
    assert_int_equal(GAP_DISK_FULL, LOST_DISK_FULL + 1);
    assert_int_equal(GAP_POWER_CUT, LOST_POWER_CUT + 1);
    assert_int_equal(GAP_COLLECTOR_LOST, LOST_COLLECTOR + 1);
    assert_int_equal(GAP_DAMAGE, LOST_DAMAGE + 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_sample_has_one_fate),
        cmocka_unit_test(every_number_comes_through_whole_or_not_at_all),
        cmocka_unit_test(causes_have_names),
        cmocka_unit_test(the_cause_of_a_gap_is_that_of_the_loss_and_one),
    };

    return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}
