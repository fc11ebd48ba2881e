// balance - see the header.

#include "tests/support/balance.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "shared/base/clock.h"

#define ANSWER_MS 20000
#define PAUSE_MS  500

// All hosts, for json_decref; NULL where there was no answer.
static json_t *
s_ledger(stage_t *stage)
{
    process_t *p = stage_run(stage, "zpulse", "ledger", "--collector", stage_endpoint(stage), "-o",
                             "json", NULL);
    json_t *all = NULL;

    if (process_ended(p, stage_ms(ANSWER_MS)) && process_code(p) == 0)
        all = json_loads(process_out(p), 0, NULL);
    else
        fprintf(stderr, "no ledger: %s", process_err(p));
    stage_drop(stage, &p);
    return all;
}

static json_int_t
s_get(json_t *host, const char *key)
{
    return json_integer_value(json_object_get(host, key));
}

// The sum of an object's numbers: causes.
static json_int_t
s_sum(json_t *host, const char *key)
{
    json_int_t sum = 0;
    const char *cause;
    json_t *n;

    json_object_foreach(json_object_get(host, key), cause, n) sum += json_integer_value(n);
    return sum;
}

static bool
s_is_even(json_t *host, enum balance_loss may)
{
    const json_int_t lost = s_sum(host, "lost");

    return s_get(host, "produced") == s_get(host, "acked") + s_get(host, "pending") + lost &&
           s_get(host, "unbalanced") == 0 &&
           (may >= BALANCE_UNREADABLE || s_sum(host, "refused") == 0) &&
           (may >= BALANCE_LOST || lost == 0);
}

bool
balance_is_even(stage_t *stage, enum balance_loss may, int timeout_ms)
{
    const int64_t until_ms = clock_mono_ms() + stage_ms(timeout_ms);

    for (;;) {
        const bool last = clock_mono_ms() >= until_ms;
        json_t *all = s_ledger(stage);
        bool even = json_array_size(all) > 0;
        json_t *host;
        size_t i;

        json_array_foreach(all, i, host)
        {
            if (s_is_even(host, may))
                continue;
            even = false;
            if (last) {
                char *text = json_dumps(host, JSON_COMPACT);

                fprintf(stderr, "the ledger is not even: %.1500s\n", text);
                free(text);
            }
        }
        json_decref(all);
        if (even || last)
            return even;
        poll(NULL, 0, PAUSE_MS);
    }
}

// Samples that export writes of a host; -1 where it does not end well.
static json_int_t
s_exported(stage_t *stage, const char *name)
{
    char match[128];
    json_int_t n = -1;
    process_t *p;

    snprintf(match, sizeof match, "{instance=\"%s\"}", name);
    p = stage_run(stage, "zpulse", "export", "--collector", stage_endpoint(stage), "-o", "csv",
                  match, NULL);
    if (process_ended(p, stage_ms(ANSWER_MS)) && process_code(p) == 0) {
        // Its first line names the columns.
        for (const char *at = process_out(p); (at = strchr(at, '\n')) != NULL; at++)
            n++;
    } else {
        fprintf(stderr, "no export of %s: %s", name, process_err(p));
    }
    stage_drop(stage, &p);
    return n;
}

bool
balance_is_exported(stage_t *stage)
{
    json_t *all = s_ledger(stage);
    bool equal = json_array_size(all) > 0;
    json_t *host;
    size_t i;

    json_array_foreach(all, i, host)
    {
        const char *name = json_string_value(json_object_get(host, "name"));
        const json_int_t exported = s_exported(stage, name);

        if (exported == s_get(host, "stored"))
            continue;
        equal = false;
        fprintf(stderr, "%s: stored %" JSON_INTEGER_FORMAT ", exported %" JSON_INTEGER_FORMAT "\n",
                name, s_get(host, "stored"), exported);
    }
    json_decref(all);
    return equal;
}
