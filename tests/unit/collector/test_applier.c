// test_applier - what records mean for store and subscribers, given to the applier one by one.

#include "tests/unit/collector/room.h"

#include "shared/wire/body.h"
#include "shared/wire/row_codec.h"

#define HOST   UINT64_C(0xa1)
#define STREAM UINT64_C(0x51)
#define FORM   ((struct metric_form){ .unit = 1 })

static struct row_state sender;
static uint64_t seq;
static uint64_t total;

static int
setup(void **state)
{
    seq = 0;
    total = 0;
    (void) room_setup(state);
    room_hello(HOST, 1, "web", STREAM);
    return 0;
}

static int
teardown(void **state)
{
    row_state_release(&sender);
    return room_teardown(state);
}

// The samples that were not stored.
static uint64_t
give(uint8_t type, uint32_t count, const uint8_t *body, size_t len)
{
    const struct record record = { .type = type,
                                   .count = count,
                                   .stream = STREAM,
                                   .seq = seq,
                                   .total = total,
                                   .t0_ms = room.now.real_ms + (int64_t) seq,
                                   .body = body,
                                   .body_len = (uint32_t) len };

    seq++;
    total += count;
    return applier_record(room.applier, HOST, 0, &record, room.now);
}

// A TABLE of `slots` slots, or with 0 a DEF: series x with n of `first` to `last`.
static void
define(uint32_t slots, uint32_t first, uint32_t last)
{
    uint8_t body[1024];
    struct wbuf w;

    wbuf_init(&w, body, sizeof body);
    if (slots > 0)
        wbuf_varint(&w, slots);
    wbuf_varint(&w, last - first + 1);
    for (uint32_t slot = first; slot <= last; slot++) {
        char n[16];
        struct label labels[] = { { LABEL_METRIC, "x" }, { "n", n } };
        struct slot_def def = { .slot = slot, .kind = METRIC_GAUGE, .form = FORM };

        snprintf(n, sizeof n, "%u", slot);
        assert_int_equal(label_set_init(&def.labels, labels, 2), 0);
        slot_def_put(&w, &def);
        label_set_release(&def.labels);
    }
    assert_int_equal(give(slots > 0 ? RECORD_TABLE : RECORD_DEF, 0, body, w.len), 0);
    row_state_grow(&sender, last + 1);
}

static uint64_t
row(uint8_t type, int64_t m)
{
    struct cell cells[8] = { 0 };
    uint8_t body[256];
    uint32_t count;
    struct wbuf w;

    for (uint32_t i = 0; i < sender.slots; i++)
        cells[i] = (struct cell){ .state = CELL_INTEGER, .m = m + i };
    wbuf_init(&w, body, sizeof body);
    if (type == RECORD_KEY)
        row_put_key(&sender, &w);
    count = row_put(&sender, &w, 0, cells);
    return give(type, count, body, w.len);
}

// A stranger may go on with a slot that its newest TABLE did not name.
static void
a_value_in_a_slot_that_the_table_left_out_is_nobodys(void **state)
{
    struct live_row values = { 0 };
    struct live_header h;
    struct rbuf r;
    uint32_t n;

    (void) state;
    room_subscribe("m/");
    define(0, 0, 1);
    assert_int_equal(row(RECORD_KEY, 10), 0);
    define(2, 1, 1);
    assert_int_equal(row(RECORD_DELTA, 20), 1);

    assert_int_equal(room_hear(&h, &r), 1);
    assert_int_equal(h.type, LIVE_TABLE);
    for (uint32_t expected = 2; expected > 0; expected--) {
        assert_int_equal(room_hear(&h, &r), 1);
        assert_int_equal(h.type, LIVE_ROW);
        assert_int_equal(live_take_row(&r, &values), 0);
        assert_int_equal(values.n, expected);
        live_row_release(&values);
    }
    assert_int_equal(room_samples("x", &n), 3);
    assert_int_equal(n, 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_value_in_a_slot_that_the_table_left_out_is_nobodys, setup,
                                        teardown),
    };
    return cmocka_run_group_tests_name("applier", tests, NULL, NULL);
}
