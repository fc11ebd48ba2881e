// balance - see the header.

#include "tests/support/balance.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "shared/base/clock.h"
#include "tests/support/exported.h"

#define ANSWER_MS 20000
#define PAUSE_MS  500
#define FORK_MOST 16384 // samples: 128 records from one KEY to the next, of a fleet's agent

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

static void
s_say(json_t *host, const char *what)
{
    char *text = json_dumps(host, JSON_COMPACT);

    fprintf(stderr, "%s: %.1500s\n", what, text);
    free(text);
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
            if (last)
                s_say(host, "the ledger is not even");
        }
        json_decref(all);
        if (even || last)
            return even;
        poll(NULL, 0, PAUSE_MS);
    }
}

int64_t
balance_count(stage_t *stage, const char *name, const char *key)
{
    json_t *all = s_ledger(stage);
    int64_t n = -1;
    json_t *host;
    size_t i;

    json_array_foreach(all, i, host)
    {
        if (strcmp(json_string_value(json_object_get(host, "name")), name) != 0)
            continue;
        n = json_is_object(json_object_get(host, key)) ? s_sum(host, key) : s_get(host, key);
    }
    json_decref(all);
    return n;
}

static struct balance_host *
s_find(struct balance_base *base, const char *name)
{
    for (unsigned i = 0; i < base->n; i++)
        if (strcmp(base->hosts[i].name, name) == 0)
            return &base->hosts[i];
    assert_true(base->n < BALANCE_HOSTS && strlen(name) < sizeof base->hosts[0].name);
    base->hosts[base->n] = (struct balance_host){ .newest_ms = INT64_MIN };
    strcpy(base->hosts[base->n].name, name);
    return &base->hosts[base->n++];
}

void
balance_note_forks(struct balance_base *base, const char *host, unsigned forks)
{
    s_find(base, host)->forks += forks;
}

// Whether as many samples are exported as are stored, behind those that were compared before.
static bool
s_is_exported(stage_t *stage, struct balance_host *host, int64_t stored)
{
    host_samples_t *all;
    char match[128];
    struct sample *samples;
    int64_t twice;
    size_t n;
    bool equal;

    snprintf(match, sizeof match, "{instance=\"%s\"}", host->name);
    all = exported_run(stage, match,
                       host->newest_ms == INT64_MIN ? INT64_MIN : host->newest_ms + 1);
    if (all == NULL)
        return false;
    samples = host_samples_get(all, host->name, &n);
    twice = stored - host->stored - (int64_t) n;
    equal = twice >= 0 && twice <= (int64_t) host->forks * FORK_MOST;
    if (twice != 0)
        fprintf(stderr, "%s: %" PRId64 " more stored, %zu more exported, %u forks\n", host->name,
                stored - host->stored, n, host->forks);
    host->forks = 0;
    for (size_t i = 0; i < n; i++)
        if (samples[i].time_ms > host->newest_ms)
            host->newest_ms = samples[i].time_ms;
    host->stored = stored;
    host_samples_destroy(&all);
    return equal;
}

bool
balance_is_exported(stage_t *stage, struct balance_base *base)
{
    json_t *all = s_ledger(stage);
    bool equal = json_array_size(all) > 0;
    json_t *host;
    size_t i;

    json_array_foreach(all, i, host)
    {
        const char *name = json_string_value(json_object_get(host, "name"));

        if (s_is_exported(stage, s_find(base, name), s_get(host, "stored")))
            continue;
        equal = false;
        s_say(host, "the export is not as the ledger is");
    }
    json_decref(all);
    return equal;
}
