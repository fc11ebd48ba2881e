// test_meta_db - series, hosts and numbers come back as they were written, or not at all.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/store/meta_db.h"
#include "shared/base/err.h"
#include "tests/support/folder.h"

static char dir[64];
static char path[96];
static meta_db_t *db;

static int
setup(void **state)
{
    (void) state;
    strcpy(dir, "/tmp/zpulse-test-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/meta.db", dir);
    assert_int_equal(meta_db_open(&db, path), 0);
    return 0;
}

static int
teardown(void **state)
{
    (void) state;
    meta_db_close(&db);
    return folder_remove(dir);
}

static void
labels_of(series_id id, struct label_set *ret)
{
    char number[16];
    const struct label labels[] = { { "__name__", "cpu_seconds_total" }, { "cpu", number } };

    snprintf(number, sizeof number, "%u", id);
    assert_int_equal(label_set_init(ret, labels, 2), 0);
}

// One series, and a number that is its id and 1, in one batch.
static int
write_series(series_id id)
{
    struct label_set labels;
    const struct meta_series series = {
        .id = id, .host = UINT64_MAX - id % 3, .kind = id % 4, .labels = &labels
    };
    const struct meta_value value = { .which = META_NEXT_TILE, .value = id + UINT64_C(1) };
    const struct meta_batch batch = {
        .series = &series, .n_series = 1, .values = &value, .n_values = 1
    };
    int rc;

    labels_of(id, &labels);
    rc = meta_db_write(db, &batch);
    label_set_release(&labels);
    return rc;
}

struct seen {
    unsigned n;
    uint64_t last; // id
};

static int
see_series(void *arg, const struct meta_series *series)
{
    struct seen *seen = arg;
    struct label_set labels;

    assert_true(series->id > seen->last);
    assert_int_equal(series->host, UINT64_MAX - series->id % 3);
    assert_int_equal(series->kind, series->id % 4);
    labels_of(series->id, &labels);
    assert_true(label_set_equal(&labels, series->labels));
    assert_int_equal(labels.hash, series->labels->hash);
    label_set_release(&labels);
    *seen = (struct seen){ .n = seen->n + 1, .last = series->id };
    return 0;
}

static uint64_t
number_of(enum meta_number which)
{
    uint64_t value = 77;

    assert_int_equal(meta_db_number(db, which, &value), 0);
    return value;
}

static void
what_was_written_comes_back_in_order_of_id(void **state)
{
    static const series_id ids[] = { 1, 17, 900, UINT32_MAX };
    struct seen seen = { 0 };

    (void) state;
    assert_int_equal(number_of(META_NEXT_TILE), 0);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(write_series(ids[i]), 0);
    meta_db_close(&db);
    assert_int_equal(meta_db_open(&db, path), 0);
    assert_int_equal(meta_db_series(db, see_series, &seen), 0);
    assert_int_equal(seen.n, 4);
    assert_int_equal(number_of(META_NEXT_TILE), UINT32_MAX + UINT64_C(1));
}

static void
a_batch_is_all_or_nothing(void **state)
{
    struct seen seen = { 0 };
    struct label_set labels;
    const struct meta_value value = { .which = META_NEXT_TILE, .value = UINT64_MAX };
    struct meta_series series[2] = { { .id = 6, .host = UINT64_MAX, .kind = 2 },
                                     { .id = 6, .host = UINT64_MAX - 2, .kind = 1 } };
    const struct meta_batch batch = {
        .series = series, .n_series = 2, .values = &value, .n_values = 1
    };

    (void) state;
    assert_int_equal(write_series(5), 0);
    labels_of(6, &labels);
    series[0].labels = series[1].labels = &labels;
    assert_int_equal(meta_db_write(db, &batch), ERR_FORMAT); // 6 came before
    label_set_release(&labels);
    assert_int_equal(meta_db_series(db, see_series, &seen), 0);
    assert_int_equal(seen.n, 1);
    assert_int_equal(number_of(META_NEXT_TILE), 6);
    assert_int_equal(meta_db_write(db, &(struct meta_batch){ .values = &value, .n_values = 1 }), 0);
    assert_true(number_of(META_NEXT_TILE) == UINT64_MAX);
}

static void
an_id_that_does_not_rise_is_refused(void **state)
{
    struct seen seen = { 0 };

    (void) state;
    assert_int_equal(write_series(5), 0);
    assert_int_equal(write_series(5), ERR_FORMAT);
    assert_int_equal(write_series(4), ERR_FORMAT);
    meta_db_close(&db);
    assert_int_equal(meta_db_open(&db, path), 0);
    assert_int_equal(write_series(5), ERR_FORMAT);
    assert_int_equal(write_series(6), 0);
    assert_int_equal(meta_db_series(db, see_series, &seen), 0);
    assert_int_equal(seen.n, 2);
}

// As a collector writes them: many at once, hosts one after the other.
static void
series_of_a_batch_come_back_whatever_hosts_they_are_of(void **state)
{
    enum { N = 3000 };
    static struct label_set labels[N];
    static struct meta_series series[N];
    struct seen seen = { 0 };

    (void) state;
    for (series_id i = 0; i < N; i++) {
        const series_id id = i < N / 2 ? 1 + 3 * i : 1 + 3 * (N / 2) + i; // with holes, and without

        labels_of(id, &labels[i]);
        series[i] = (struct meta_series){
            .id = id, .host = UINT64_MAX - id % 3, .kind = id % 4, .labels = &labels[i]
        };
    }
    assert_int_equal(meta_db_write(db, &(struct meta_batch){ .series = series, .n_series = N }), 0);
    for (series_id i = 0; i < N; i++)
        label_set_release(&labels[i]);
    assert_int_equal(meta_db_series(db, see_series, &seen), 0);
    assert_int_equal(seen.n, N);
}

static void
say(const char *sql)
{
    sqlite3 *other = NULL;

    assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
}

static void
a_changed_row_is_found(void **state)
{
    static const char *const harms[] = { "UPDATE run SET host = 4", "UPDATE run SET last = 9",
                                         "UPDATE run SET n = 2", "UPDATE run SET n = -1",
                                         "UPDATE run SET series = x'00'" };
    uint64_t value;

    (void) state;
    for (unsigned i = 0; i < sizeof harms / sizeof harms[0]; i++) {
        assert_int_equal(write_series(5), 0);
        say(harms[i]);
        assert_int_equal(meta_db_series(db, see_series, &(struct seen){ 0 }), ERR_FORMAT);
        say("DELETE FROM run");
    }
    say("UPDATE number SET value = value + 1");
    assert_int_equal(meta_db_number(db, META_NEXT_TILE, &value), ERR_FORMAT);
}

static void
what_is_no_database_of_ours_is_refused(void **state)
{
    int fd;

    (void) state;
    meta_db_close(&db);
    say("PRAGMA user_version=3");
    assert_int_equal(meta_db_open(&db, path), ERR_VERSION);
    say("PRAGMA application_id=5");
    assert_int_equal(meta_db_open(&db, path), ERR_UNKNOWN);
    fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, "no database any longer", 22, 0), 22);
    close(fd);
    assert_int_equal(meta_db_open(&db, path), ERR_FORMAT);
    assert_null(db);
}

static void
what_was_committed_outlives_a_kill(void **state)
{
    (void) state;
    meta_db_close(&db);
    for (series_id run = 1; run <= 8; run++) {
        int told[2];
        series_id id = 0;
        series_id committed = 0;
        struct seen seen = { 0 };
        pid_t child;

        assert_int_equal(pipe(told), 0);
        child = fork();
        assert_int_not_equal(child, -1);
        if (child == 0) {
            if (meta_db_open(&db, path) < 0)
                _exit(1);
            for (id = run * 1000; id < run * 1000 + 900; id++)
                if (write_series(id) < 0 || (id % 9 == 0 && meta_db_checkpoint(db, false) < 0) ||
                    write(told[1], &id, sizeof id) != sizeof id)
                    _exit(1);
            _exit(0);
        }
        close(told[1]);
        for (unsigned i = 0; i < run * 2 && read(told[0], &id, sizeof id) > 0; i++)
            committed = id;
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        while (read(told[0], &id, sizeof id) > 0)
            committed = id;
        close(told[0]);
        assert_true(committed >= run * 1000);
        assert_int_equal(meta_db_open(&db, path), 0);
        assert_int_equal(meta_db_series(db, see_series, &seen), 0);
        assert_in_range(seen.last, committed, committed + 1);
        assert_int_equal(number_of(META_NEXT_TILE), seen.last + 1);
        meta_db_close(&db);
    }
    assert_int_equal(meta_db_open(&db, path), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_written_comes_back_in_order_of_id),
        TEST(a_batch_is_all_or_nothing),
        TEST(an_id_that_does_not_rise_is_refused),
        TEST(series_of_a_batch_come_back_whatever_hosts_they_are_of),
        TEST(a_changed_row_is_found),
        TEST(what_is_no_database_of_ours_is_refused),
        TEST(what_was_committed_outlives_a_kill),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
