// flow_restored - a backup that was put back: nothing is doubled, and lost is what it lacks, no
// more.
//
// A backup of a collector that runs copies the journal first and the store's files after it, which
// have more by then. Here that is made to be so by stops between: a journal of the end of the first
// part, files of the end of the second, and a third part that is in neither.

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/exported.h"
#include "tests/support/folder.h"
#include "tests/support/stage.h"

#define SOME 1500 // samples of a part, at least: some seconds

// What `zpulse ledger` says of web-1, for json_decref; NULL where it is not known.
static json_t *
s_books(stage_t *s)
{
    process_t *p = stage_run(s, "zpulse", "ledger", "--collector", stage_endpoint(s),
                             "--output=json", "web-1", NULL);
    json_t *all, *mine;

    claim(s, process_ended(p, stage_ms(STAGE_PATIENCE_MS)));
    all = process_code(p) == 0 ? json_loads(process_out(p), 0, NULL) : NULL;
    mine = json_incref(json_array_get(all, 0));
    json_decref(all);
    stage_drop(s, &p);
    return mine;
}

static json_int_t
s_number(const json_t *books, const char *key)
{
    return json_integer_value(json_object_get(books, key));
}

static json_int_t
s_lost(const json_t *books)
{
    const json_t *lost = json_object_get(books, "lost");
    json_int_t sum = 0;
    const char *cause;
    json_t *value;

    json_object_foreach((json_t *) (uintptr_t) lost, cause, value)
    {
        sum += json_integer_value(value);
    }
    return sum;
}

// As many are acknowledged in the agent's book.
static bool
s_is_acked(stage_t *s, void *arg)
{
    json_t *books = s_books(s);
    const bool is = books != NULL && s_number(books, "acked") >= *(const json_int_t *) arg;

    json_decref(books);
    return is;
}

// So many more than `before`; what it is then.
static json_int_t
s_wait_acked(stage_t *s, json_int_t before)
{
    json_int_t least = before + SOME;
    json_t *books;

    claim(s, stage_until(s, 60000, s_is_acked, &least));
    books = s_books(s);
    least = s_number(books, "acked");
    json_decref(books);
    return least;
}

static void
s_end(stage_t *s, process_t *p, int signal)
{
    process_signal(p, signal);
    claim(s, process_ended(p, stage_ms(STAGE_PATIENCE_MS)));
}

// A part of the collector's folder to another place in the stage's.
static void
s_move(stage_t *s, const char *from, const char *to, bool copy)
{
    char source[400], target[400];
    process_t *p;

    snprintf(source, sizeof source, "%s/%s", stage_dir(s), from);
    snprintf(target, sizeof target, "%s/%s", stage_dir(s), to);
    (void) folder_remove(target);
    if (!copy) {
        claim(s, rename(source, target) == 0);
        return;
    }
    p = process_start(stage_dir(s), "cp",
                      (const char *[]){ "/bin/cp", "-a", source, target, NULL });
    claim(s, p != NULL && process_ended(p, stage_ms(STAGE_PATIENCE_MS)) && process_code(p) == 0);
    process_destroy(&p);
}

// Of the agent's, as the collector answers.
static size_t
s_count(stage_t *s)
{
    host_samples_t *all = exported_run(s, "{instance=\"web-1\"}", INT64_MIN);
    size_t n = 0;

    claim(s, all != NULL);
    (void) host_samples_get(all, "web-1", &n);
    host_samples_destroy(&all);
    return n;
}

// The collector has as many as it says that it stored: none is missing, and none was counted twice.
static bool
s_is_even(stage_t *s, void *arg)
{
    json_t *books = s_books(s);
    const bool is = books != NULL && s_number(books, "stored") == (json_int_t) s_count(s);

    (void) arg;
    json_decref(books);
    return is;
}

static bool
s_is_settled(stage_t *s, void *arg)
{
    json_t *books = s_books(s);
    const bool is = books != NULL && json_is_true(json_object_get(books, "settled"));

    (void) arg;
    json_decref(books);
    return is;
}

static bool
s_has_lost(stage_t *s, void *arg)
{
    json_t *books = s_books(s);
    const bool has = books != NULL && s_lost(books) > 0;

    (void) arg;
    json_decref(books);
    return has;
}

// Books balance, and what is not lost is there once.
static void
s_check(stage_t *s, process_t *agent)
{
    json_t *books = s_books(s);
    json_int_t acked = s_number(books, "acked");

    json_decref(books);
    (void) s_wait_acked(s, acked);
    books = s_books(s);
    claim(s, json_is_true(json_object_get(books, "settled")));
    claim(s, s_number(books, "unbalanced") == 0);
    claim(s, s_number(json_object_get(books, "lost"), "collector-lost") == s_lost(books));
    claim(s, s_number(books, "elsewhere") == s_lost(books)); // not here, as the collector sees it
    json_decref(books);
    s_end(s, agent, SIGTERM);
    claim(s, stage_until(s, 20000, s_is_even, NULL));
}

static void
of_what_a_backup_lacks_nothing_more_is_lost(void **state)
{
    stage_t *s = *state;
    process_t *collector = stage_collector(s, NULL);
    process_t *agent = stage_agent(s, "web-1", "--app-sub", "", "--app-pull", "", NULL);
    json_int_t first, second;

    claim(s, stage_until(s, 20000, s_is_settled, NULL));
    first = s_wait_acked(s, 0);
    s_end(s, collector, SIGTERM);
    s_move(s, "collector/journal", "journal", true);
    collector = stage_collector(s, NULL);
    second = s_wait_acked(s, first);
    second = s_wait_acked(s, second);
    s_end(s, collector, SIGTERM);
    s_move(s, "collector/store", "store", true);
    collector = stage_collector(s, NULL);
    (void) s_wait_acked(s, s_wait_acked(s, second));
    s_end(s, collector, SIGKILL);
    s_move(s, "journal", "collector/journal", false);
    s_move(s, "store", "collector/store", false);
    stage_collector(s, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_has_lost, NULL));
    s_check(s, agent);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(of_what_a_backup_lacks_nothing_more_is_lost),
    };

    return cmocka_run_group_tests_name("flow_restored", tests, NULL, NULL);
}
