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

#include "tests/support/books.h"
#include "tests/support/exported.h"
#include "tests/support/folder.h"
#include "tests/support/stage.h"

#define SOME 1500 // samples of a part, at least: some seconds

// As many are acknowledged in the agent's book.
static bool
s_is_acked(stage_t *s, void *arg)
{
    json_t *books = books_get(s);
    const bool is = books != NULL && books_number(books, "acked") >= *(const json_int_t *) arg;

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
    books = books_get(s);
    least = books_number(books, "acked");
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
    json_t *books = books_get(s);
    const bool is = books != NULL && books_number(books, "stored") == (json_int_t) s_count(s);

    (void) arg;
    json_decref(books);
    return is;
}

// Books balance, and what is not lost is there once.
static void
s_check(stage_t *s, process_t *agent)
{
    json_t *books = books_get(s);
    json_int_t acked = books_number(books, "acked");

    json_decref(books);
    (void) s_wait_acked(s, acked);
    books = books_get(s);
    claim(s, json_is_true(json_object_get(books, "settled")));
    claim(s, books_number(books, "unbalanced") == 0);
    claim(s, books_number(json_object_get(books, "lost"), "collector-lost") ==
                 books_sum(books, "lost"));
    claim(s, books_number(books, "elsewhere") ==
                 books_sum(books, "lost")); // not here, as the collector sees it
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

    claim(s, stage_until(s, 20000, books_are_settled, NULL));
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
    claim(s, stage_until(s, STAGE_PATIENCE_MS, books_have_lost, NULL));
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
