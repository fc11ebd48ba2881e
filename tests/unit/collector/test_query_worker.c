// test_query_worker - what a store says beside its series, as an asker hears it.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/cardinality.h"
#include "collector/collector_stat.h"
#include "collector/query_worker.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"
#include "shared/wire/query_count.h"

#define OLDEST_MS 1234567

// A store of one series without samples, that ends as the test wants.
static struct {
    store_t base;
    int rc; // of the second next
    const char *why;
    int64_t until_ms; // as it was told
    bool told_stop;
    uint64_t imported;  // host of imports that a job names
    uint64_t opened[4]; // hosts, in the order in which they were
    unsigned n_opened;
} fake;

struct fake_cursor {
    store_cursor_t base;
    bool given;
};

static int
fake_open(store_t *store, const struct store_select *what, store_cursor_t **ret)
{
    struct fake_cursor *c = xcalloc(1, sizeof *c);

    c->base.store = store;
    fake.until_ms = what->until_ms;
    fake.told_stop = what->stop != NULL;
    assert_true(fake.n_opened < 4);
    fake.opened[fake.n_opened++] = what->host;
    *ret = &c->base;
    return 0;
}

static int
fake_next(store_cursor_t *cursor, struct store_series *ret)
{
    static struct label_set labels; // none
    struct fake_cursor *c = (struct fake_cursor *) cursor;

    if (c->given)
        return fake.rc;
    c->given = true;
    *ret = (struct store_series){ .id = 1, .host = 1, .labels = &labels };
    return 1;
}

static uint64_t
fake_upto(const store_cursor_t *cursor)
{
    (void) cursor;
    return 9;
}

static const char *
fake_why(const store_cursor_t *cursor)
{
    (void) cursor;
    return fake.why;
}

static int64_t
fake_oldest(store_t *store)
{
    (void) store;
    return OLDEST_MS;
}

static void
fake_close(store_cursor_t **cursor_p)
{
    free(*cursor_p);
    *cursor_p = NULL;
}

static const struct store_ops s_ops = {
    .open = fake_open,
    .next = fake_next,
    .upto = fake_upto,
    .why = fake_why,
    .oldest = fake_oldest,
    .close = fake_close,
};

struct heard {
    unsigned replies;
    uint32_t series;
    uint8_t status;
    uint64_t upto;
    char text[128];
};

// One question to a worker of its own.
static struct heard
ask(uint8_t type)
{
    struct query_job *job = xcalloc(1, sizeof *job);
    struct heard heard = { 0 };
    query_worker_t *worker;
    bool last = false;

    fake.base.ops = &s_ops;
    assert_int_equal(
        query_worker_start(&worker, &(struct query_worker_options){ .store = &fake.base }), 0);
    fake.n_opened = 0;
    job->imported = fake.imported;
    job->request = (struct query_request){
        .type = type, .n_selectors = 1, .selectors = { "up" }, .selector_len = { 2 }
    };
    query_worker_ask(worker, job);
    while (!last) {
        struct pollfd on = { .fd = query_worker_fd(worker), .events = POLLIN };
        struct query_chunk *chunk;

        assert_int_equal(poll(&on, 1, 10000), 1);
        query_worker_ack(worker);
        while ((chunk = query_worker_take(worker)) != NULL) {
            struct query_reply reply;
            struct rbuf r;

            assert_int_equal(query_take_reply(&reply, &r, chunk->bytes.at, chunk->bytes.len), 0);
            heard.replies++;
            heard.series += reply.n;
            heard.status = reply.status;
            heard.upto = reply.upto;
            snprintf(heard.text, sizeof heard.text, "%.*s", (int) reply.text_len, reply.text);
            last = chunk->last;
            query_chunk_free(chunk);
        }
    }
    query_worker_stop(&worker);
    return heard;
}

static void
what_the_store_lacks_is_said_in_the_last_reply(void **state)
{
    struct heard heard;

    (void) state;
    fake.rc = 0;
    fake.why = NULL;
    heard = ask(QUERY_SELECT);
    assert_int_equal(heard.replies, 1);
    assert_string_equal(heard.text, "");
    fake.why = "some of it is damaged";
    heard = ask(QUERY_SELECT);
    assert_int_equal(heard.status, QUERY_OK);
    assert_int_equal(heard.series, 1);
    assert_int_equal(heard.upto, 9);
    assert_string_equal(heard.text, "some of it is damaged");
}

static void
what_is_too_much_is_refused_with_its_sentence(void **state)
{
    struct heard heard;

    (void) state;
    fake.rc = ERR_LIMIT;
    fake.why = "too much of it";
    heard = ask(QUERY_SELECT);
    assert_int_equal(heard.status, QUERY_TOO_LARGE);
    assert_string_equal(heard.text, "too much of it");
    fake.rc = -ETIMEDOUT;
    fake.why = NULL;
    heard = ask(QUERY_SELECT);
    assert_int_equal(heard.status, QUERY_TOO_LARGE);
    assert_non_null(strstr(heard.text, "longer than 5 s"));
    fake.rc = -EIO;
    heard = ask(QUERY_SELECT);
    assert_int_equal(heard.status, QUERY_BAD);
}

static void
a_list_of_series_tells_from_when_on_there_is_anything(void **state)
{
    (void) state;
    fake.rc = 0;
    fake.why = NULL;
    assert_int_equal(ask(QUERY_SERIES).upto, OLDEST_MS);
    assert_true(fake.until_ms > 0);
    assert_true(fake.told_stop);
}

static void
what_was_imported_for_a_host_is_read_beside_it(void **state)
{
    struct heard heard;

    (void) state;
    fake.rc = 0;
    fake.why = NULL;
    fake.imported = 77;
    heard = ask(QUERY_SELECT);
    assert_int_equal(heard.status, QUERY_OK);
    assert_int_equal(heard.series, 2);
    assert_int_equal(heard.upto, 9);
    assert_int_equal(fake.n_opened, 2);
    assert_true(fake.opened[1] == 77);
    fake.rc = ERR_LIMIT;
    assert_int_equal(ask(QUERY_SELECT).status, QUERY_TOO_LARGE);
    fake.imported = 0;
    fake.rc = 0;
    assert_int_equal(ask(QUERY_SELECT).series, 1);
}

static int
fake_count(store_t *store, enum store_count_of what, const char *label, store_count_fn *fn,
           void *arg)
{
    (void) store;
    for (uint32_t i = 0; i < 3 * QUERY_COUNTS_MAX; i++) {
        // Neither rising nor falling, each once.
        const uint32_t n = 1 + i * 7 % (3 * QUERY_COUNTS_MAX);
        char text[24];

        snprintf(text, sizeof text, "%s%u", what == STORE_COUNT_VALUES ? label : "", n);
        fn(arg, &(struct store_count){ .host = what == STORE_COUNT_HOSTS ? n : 0,
                                       .text = what == STORE_COUNT_HOSTS ? NULL : text,
                                       .series = what == STORE_COUNT_NAMES ? 1 : n,
                                       .values = what == STORE_COUNT_NAMES ? n : 0 });
    }
    return 0;
}

static void
fake_stat(store_t *store, struct store_stat *ret)
{
    (void) store;
    *ret = (struct store_stat){ .series = 12, .index_bytes_most = 99 };
}

static const struct store_ops s_counting = { .count = fake_count, .stat = fake_stat };

static void
the_largest_of_each_kind_are_told_the_largest_first(void **state)
{
    store_t store = { .ops = &s_counting };
    struct query_request q = { .type = QUERY_CARDINALITY, .n_selectors = 1 };
    uint32_t last = UINT32_MAX, kind = 0;
    struct buf out = { 0 };
    struct rbuf r;
    uint32_t n;

    (void) state;
    q.selectors[0] = "cpux";
    q.selector_len[0] = 3;
    assert_int_equal(cardinality_put(&out, &n, &store, &q), 0);
    assert_int_equal(n, 3 * QUERY_COUNTS_MAX);
    rbuf_init(&r, out.at, out.len);
    for (uint32_t i = 0; i < n; i++) {
        struct query_count count;
        uint32_t key;

        assert_int_equal(query_take_count(&r, &count), 0);
        key = (uint32_t) (count.of == QUERY_COUNT_NAME ? count.values : count.series);
        assert_int_equal(key, count.of != kind ? 3 * QUERY_COUNTS_MAX : last - 1);
        assert_int_equal(count.host, count.of == QUERY_COUNT_HOST ? key : 0);
        if (count.of == QUERY_COUNT_VALUE)
            assert_memory_equal(count.text, "cpu", 3);
        kind = count.of;
        last = key;
        query_count_release(&count);
    }
    assert_int_equal(rbuf_finish(&r), 0);
    buf_release(&out);
}

static void
a_store_that_does_not_count_says_so(void **state)
{
    struct heard heard;

    (void) state;
    heard = ask(QUERY_CARDINALITY);
    assert_int_equal(heard.status, QUERY_BAD);
    assert_non_null(strstr(heard.text, "does not count"));
}

static void
what_is_not_known_is_not_in_the_status(void **state)
{
    store_t store = { .ops = &s_counting };
    struct query_numbers numbers = { 0 };
    struct buf out = { 0 };
    struct rbuf r;
    uint32_t n;

    (void) state;
    n = collector_status_put(&out, NULL, &store, true);
    rbuf_init(&r, out.at, out.len);
    for (uint32_t i = 0; i < n; i++)
        assert_int_equal(query_take_number(&r, &numbers), 0);
    assert_int_equal(rbuf_finish(&r), 0);
    assert_int_equal(numbers.value[STATUS_SERIES], 12);
    assert_int_equal(numbers.value[STATUS_INDEX_BYTES_MOST], 99);
    assert_int_equal(numbers.value[STATUS_REPLAYING], 1);
    assert_false(numbers.known[STATUS_KEEP_MS]);
    assert_false(numbers.known[STATUS_DISK_FREE]);
    assert_false(numbers.known[STATUS_STORE_FILES]);
    buf_release(&out);
}

static void
the_status_has_the_disk_of_the_data_folder(void **state)
{
    const struct collector_about about = { .data_dir = "/tmp", .keep_ms = 0, .keep_bytes = 7 };
    store_t store = { .ops = &s_counting };
    struct query_numbers numbers = { 0 };
    struct buf out = { 0 };
    struct rbuf r;
    uint32_t n;

    (void) state;
    n = collector_status_put(&out, &about, &store, false);
    rbuf_init(&r, out.at, out.len);
    for (uint32_t i = 0; i < n; i++)
        assert_int_equal(query_take_number(&r, &numbers), 0);
    assert_true(numbers.value[STATUS_DISK_BYTES] > 0);
    assert_true(numbers.value[STATUS_DISK_FREE] <= numbers.value[STATUS_DISK_BYTES]);
    assert_true(numbers.known[STATUS_KEEP_MS]);
    assert_int_equal(numbers.value[STATUS_KEEP_BYTES], 7);
    assert_int_equal(numbers.value[STATUS_REPLAYING], 0);
    buf_release(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_store_lacks_is_said_in_the_last_reply),
        cmocka_unit_test(what_is_too_much_is_refused_with_its_sentence),
        cmocka_unit_test(a_list_of_series_tells_from_when_on_there_is_anything),
        cmocka_unit_test(what_was_imported_for_a_host_is_read_beside_it),
        cmocka_unit_test(the_largest_of_each_kind_are_told_the_largest_first),
        cmocka_unit_test(a_store_that_does_not_count_says_so),
        cmocka_unit_test(what_is_not_known_is_not_in_the_status),
        cmocka_unit_test(the_status_has_the_disk_of_the_data_folder),
    };

    collector_stat_init();
    return cmocka_run_group_tests_name("query_worker", tests, NULL, NULL);
}
