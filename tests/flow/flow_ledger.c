// flow_ledger - nothing is unaccounted for, whoever is killed; and what is lost is said.

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "tests/support/books.h"
#include "tests/support/folder.h"
#include "tests/support/stage.h"

static process_t *
s_agent(stage_t *s)
{
    return stage_agent(s, "web-1", "--app-sub", "", "--app-pull", "", NULL);
}

// What `zpulse ledger` with these words says on its two outputs, for free(); its exit code.
static int
s_ledger(stage_t *s, const char *word, const char *more, char **out, char **err)
{
    process_t *p = stage_run(s, "zpulse", "ledger", "--collector", stage_endpoint(s), word, more,
                             NULL);
    int code;

    claim(s, process_ended(p, stage_ms(STAGE_PATIENCE_MS)));
    code = process_code(p);
    if (out != NULL)
        *out = strdup(process_out(p));
    if (err != NULL)
        *err = strdup(process_err(p));
    stage_drop(s, &p);
    return code;
}

// As many are acknowledged in the agent's book.
struct acked {
    json_int_t least;
};

static bool
s_is_acked(stage_t *s, void *arg)
{
    const struct acked *acked = arg;
    json_t *books = books_get(s);
    const bool is = books != NULL && books_number(books, "acked") >= acked->least;

    // True at any moment, whatever happens to whom.
    if (books != NULL)
        claim(s, books_number(books, "produced") == books_number(books, "acked") +
                                                        books_number(books, "pending") +
                                                        books_sum(books, "lost"));
    json_decref(books);
    return is;
}

// So many more than now.
static void
s_wait_acked(stage_t *s, json_int_t more)
{
    json_t *books = books_get(s);
    struct acked acked = { (books != NULL ? books_number(books, "acked") : 0) + more };

    json_decref(books);
    claim(s, stage_until(s, 30000, s_is_acked, &acked));
}

static void
whoever_is_killed_everything_balances_and_nothing_is_lost(void **state)
{
    stage_t *s = *state;
    process_t *collector = stage_collector(s, NULL), *agent = s_agent(s);
    json_t *books;
    char *text;

    claim(s, stage_until(s, 20000, books_are_settled, NULL));
    process_signal(agent, SIGKILL);
    claim(s, process_ended(agent, stage_ms(STAGE_PATIENCE_MS)));
    agent = s_agent(s);
    s_wait_acked(s, 500);
    process_signal(collector, SIGKILL);
    claim(s, process_ended(collector, stage_ms(STAGE_PATIENCE_MS)));
    collector = stage_collector(s, NULL);
    s_wait_acked(s, 3000); // more PINGs than it takes for a difference to be one
    books = books_get(s);
    claim(s, json_is_true(json_object_get(books, "settled"))); // the journal knows it
    claim(s, books_number(books, "unbalanced") == 0);
    claim(s, books_sum(books, "lost") == 0);
    claim(s, books_sum(books, "refused") == 0);
    claim(s, books_number(books, "before") == 0 && books_number(books, "elsewhere") == 0);
    claim(s, books_number(books, "stored") >= books_number(books, "acked"));
    json_decref(books);
    claim(s, s_ledger(s, "--check", NULL, &text, NULL) == 0);
    claim(s, strcmp(text, "1 host: everything balances, nothing is lost\n") == 0);
    free(text);
}

static void
the_dashboard_and_the_terminal_say_the_same(void **state)
{
    stage_t *s = *state;
    json_t *all = http_json(stage_http_port(s), "/api/v1/ledger?h=web-1");
    json_t *books = books_get(s), *value;
    const char *key;

    claim(s, books != NULL && json_array_size(all) == 1);
    json_object_foreach(books, key, value)
    {
        const json_t *theirs = json_object_get(json_array_get(all, 0), key);

        claim(s, theirs != NULL && json_typeof(theirs) == json_typeof(value));
    }
    claim(s, json_object_size(json_array_get(all, 0)) == json_object_size(books));
    json_decref(all);
    json_decref(books);
}

static bool
s_is_a_metric(stage_t *s, void *arg)
{
    (void) arg;
    return stage_metric(s, "zpulse_collector_ledger_stored_samples_total{host=\"web-1\",") > 0 &&
           stage_metric(s, "zpulse_collector_ledger_unbalanced_samples{host=\"web-1\",") == 0;
}

static void
what_is_worth_an_alert_is_a_series(void **state)
{
    stage_t *s = *state;

    claim(s, stage_until(s, 20000, s_is_a_metric, NULL));
}

static void
what_a_collector_has_lost_is_said(void **state)
{
    stage_t *s = *state;
    process_t *collector = stage_collector(s, NULL);
    char journal[512], *why = NULL;
    json_t *books;

    s_agent(s);
    s_wait_acked(s, 600);
    process_signal(collector, SIGKILL); // so that the store's files have nothing of it
    claim(s, process_ended(collector, stage_ms(STAGE_PATIENCE_MS)));
    snprintf(journal, sizeof journal, "%s/collector/journal", stage_dir(s));
    claim(s, access(journal, F_OK) == 0);
    claim(s, folder_remove(journal) == 0);
    stage_collector(s, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, books_have_lost, NULL)); // told with the next PING
    s_wait_acked(s, 1000);
    books = books_get(s);
    claim(s, books_number(books, "unbalanced") == 0);
    json_decref(books);
    claim(s, s_ledger(s, "--check", "web-1", NULL, &why) == 1);
    claim(s, strstr(why, "zpulse ledger: web-1: lost: ") != NULL);
    claim(s, strstr(why, " samples, collector-lost ") != NULL);
    free(why);
}

static void
what_is_not_there_is_said(void **state)
{
    stage_t *s = *state;
    char *why = NULL;

    stage_collector(s, NULL);
    claim(s, s_ledger(s, "--check", NULL, NULL, &why) == 1);
    claim(s, strcmp(why, "zpulse ledger: no host is known\n") == 0);
    free(why);
    claim(s, s_ledger(s, "nobody", NULL, NULL, &why) == 1);
    claim(s, strstr(why, "nobody: no host of this name or id is known") != NULL);
    free(why);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(whoever_is_killed_everything_balances_and_nothing_is_lost),
        stage_test_up(the_dashboard_and_the_terminal_say_the_same),
        stage_test_up(what_is_worth_an_alert_is_a_series),
        stage_test(what_a_collector_has_lost_is_said),
        stage_test(what_is_not_there_is_said),
    };

    return cmocka_run_group_tests_name("flow_ledger", tests, NULL, NULL);
}
