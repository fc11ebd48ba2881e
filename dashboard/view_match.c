// view_match - which terms of the table a series is part of.

#include <assert.h>
#include <pthread.h>
#include <string.h>

#include "dashboard/view_inner.h"

#define BUCKETS     512 // a power of two, some three times the terms
#define ENTRIES_MAX 256

// The terms of the table by their metric: made once, never changed, so that a series is looked up
// and not compared with all of it.
static pthread_once_t made_once = PTHREAD_ONCE_INIT;
static struct entry {
    const struct view_def *def;
    uint32_t term;
    uint32_t next; // 1 + another entry of the bucket, 0: none
} entries[ENTRIES_MAX];
static uint32_t buckets[BUCKETS]; // 1 + entry, 0: none

static void s_make(void);
static uint32_t s_hash(const char *text);
static bool s_term_matches(const struct view_term *term, const struct label_set *labels);

size_t
view_match(struct view_hit hits[VIEW_HITS_MAX], const struct label_set *labels)
{
    const char *metric = label_set_metric(labels);
    size_t n = 0;

    pthread_once(&made_once, s_make);
    if (view_is_app(labels) && label_set_get(labels, "app") != NULL) {
        hits[0] = (struct view_hit){ .def = view_app_def(metric) };
        return 1;
    }
    // An application may use a host's names; it has another job.
    if (!view_is_tick(labels))
        return 0;
    for (uint32_t at = buckets[s_hash(metric)]; at != 0; at = entries[at - 1].next) {
        const struct entry *e = &entries[at - 1];
        const struct view_term *term = &e->def->terms[e->term];

        if (strcmp(term->metric, metric) != 0 || !s_term_matches(term, labels))
            continue;
        assert(n < VIEW_HITS_MAX);
        hits[n++] = (struct view_hit){ .def = e->def, .term = e->term };
    }
    return n;
}

bool
view_uses(const struct label_set *labels)
{
    const char *metric = label_set_metric(labels);
    struct view_hit hits[VIEW_HITS_MAX];

    if (view_match(hits, labels) > 0)
        return true;
    if (!view_is_tick(labels))
        return false;
    for (size_t i = 0; view_fact_metrics[i] != NULL; i++)
        if (strcmp(view_fact_metrics[i], metric) == 0)
            return true;
    return strcmp(metric, VIEW_SENSOR_METRIC) == 0;
}

bool
view_is_tick(const struct label_set *labels)
{
    const char *job = label_set_get(labels, "job");

    return job != NULL && strcmp(job, "node") == 0;
}

bool
view_is_app(const struct label_set *labels)
{
    const char *job = label_set_get(labels, "job");

    return job != NULL && strcmp(job, "app") == 0;
}

static void
s_make(void)
{
    const struct view_def *defs;
    const size_t n = view_defs(&defs);
    uint32_t used = 0;

    for (size_t i = 0; i < n; i++)
        for (uint32_t t = 0; t < VIEW_TERMS_MAX && defs[i].terms[t].metric != NULL; t++) {
            uint32_t *bucket = &buckets[s_hash(defs[i].terms[t].metric)];

            assert(used < ENTRIES_MAX);
            entries[used] = (struct entry){ .def = &defs[i], .term = t, .next = *bucket };
            *bucket = ++used;
        }
}

// FNV-1a. No peer's choice of names can fill a bucket: only ours are in it.
static uint32_t
s_hash(const char *text)
{
    uint32_t h = 2166136261u;

    for (; *text != '\0'; text++)
        h = (h ^ (unsigned char) *text) * 16777619u;
    return (h ^ h >> 16) & (BUCKETS - 1);
}

static bool
s_term_matches(const struct view_term *term, const struct label_set *labels)
{
    const char *value;
    size_t n;

    if (term->label == NULL)
        return true;
    value = label_set_get(labels, term->label);
    if (value == NULL)
        return false;
    n = strlen(value);
    for (const char *at = term->values; at != NULL; at = strchr(at, '|')) {
        at += *at == '|';
        if (strncmp(at, value, n) == 0 && (at[n] == '\0' || at[n] == '|'))
            return true;
    }
    return false;
}
