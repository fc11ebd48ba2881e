// limit_book - see the header.

#include "collector/limit_book.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/map.h"
#include "shared/base/xalloc.h"

#define VALUE_WORDS 4 // of 64 bits: values that are told apart, by their hash

// Of all series that were refused by a limit.
struct seen_label {
    char *name;
    char *metric;    // of the last one that has it
    uint64_t weight; // series that have it, or bytes
    uint64_t values[VALUE_WORDS];
};

struct culprit {
    char *metric;
    uint64_t weight; // series and samples, as far as they have not faded
    uint32_t labels; // bits: the seen ones of its series that came last
};

struct limit_book {
    struct {
        uint64_t series;
        uint64_t samples;
        uint64_t since; // series and samples since weights were halved
        uint32_t n;
        uint32_t n_labels;
        struct culprit *metrics;   // of LIMIT_BOOK_METRICS; NULL: none was needed
        struct seen_label *labels; // of LIMIT_BOOK_LABELS; likewise
    } by[REFUSED_LIMITS];
};

static struct culprit *s_culprit(limit_book_t *self, const struct refusal *refusal);
static void s_begin(limit_book_t *self, uint8_t limit);
static void s_fade(limit_book_t *self, uint8_t limit, uint64_t weight);
static uint32_t s_weigh(limit_book_t *self, const struct refusal *refusal,
                        const struct label *label);
static const char *s_worst_metric(const limit_book_t *self, unsigned limit, uint32_t label);
static uint32_t s_worst_label(const limit_book_t *self, unsigned limit);
static void s_text(char ret[QUERY_LIMIT_TEXT + 1], const char *text);

limit_book_t *
limit_book_new(void)
{
    return xcalloc(1, sizeof(limit_book_t));
}

void
limit_book_destroy(limit_book_t **self_p)
{
    limit_book_t *self = *self_p;

    if (self == NULL)
        return;
    for (unsigned i = 0; i < REFUSED_LIMITS; i++) {
        s_begin(self, (uint8_t) i);
        free(self->by[i].metrics);
        free(self->by[i].labels);
    }
    free(self);
    *self_p = NULL;
}

void
limit_book_add(limit_book_t *self, const struct refusal *refusal)
{
    const bool series = refusal->labels != NULL;
    const uint8_t limit = refusal->limit;
    const uint64_t weight = series ? 1 : refusal->samples;
    struct culprit *c;

    if (series && self->by[limit].series == 0)
        s_begin(self, limit);
    self->by[limit].series += series;
    self->by[limit].samples += refusal->samples;
    if (!series && self->by[limit].series > 0)
        return;
    c = s_culprit(self, refusal);
    s_fade(self, limit, weight);
    c->weight += weight;
    c->labels = 0;
    for (size_t i = 0; series && i < refusal->labels->count; i++)
        c->labels |= s_weigh(self, refusal, &refusal->labels->at[i]);
}

uint32_t
limit_book_get(const limit_book_t *self, struct query_limit ret[REFUSED_LIMITS])
{
    uint32_t n = 0;

    for (unsigned limit = 1; limit < REFUSED_LIMITS; limit++) {
        const uint32_t label = s_worst_label(self, limit);

        if (self->by[limit].series == 0 && self->by[limit].samples == 0)
            continue;
        ret[n] = (struct query_limit){ .limit = (uint8_t) limit,
                                       .series = self->by[limit].series,
                                       .samples = self->by[limit].samples };
        s_text(ret[n].metric, s_worst_metric(self, limit, label));
        if (label < LIMIT_BOOK_LABELS)
            s_text(ret[n].label, self->by[limit].labels[label].name);
        n++;
    }
    return n;
}

// That of the metric. Where there is no room it takes the place of the lightest, and goes on from
// its weight: or it would be the lightest at once, and of many that come by turns none would ever
// weigh anything.
static struct culprit *
s_culprit(limit_book_t *self, const struct refusal *refusal)
{
    uint32_t *n = &self->by[refusal->limit].n;
    struct culprit *at, *lightest;

    if (self->by[refusal->limit].metrics == NULL)
        self->by[refusal->limit].metrics = xcalloc(LIMIT_BOOK_METRICS, sizeof *at);
    lightest = at = self->by[refusal->limit].metrics;
    for (uint32_t i = 0; i < *n; i++) {
        if (strcmp(at[i].metric, refusal->metric) == 0)
            return &at[i];
        if (at[i].weight < lightest->weight)
            lightest = &at[i];
    }
    if (*n < LIMIT_BOOK_METRICS)
        lightest = &at[(*n)++];
    free(lightest->metric);
    lightest->metric = xstrdup(refusal->metric);
    return lightest;
}

// What weighed as samples weighs no more.
static void
s_begin(limit_book_t *self, uint8_t limit)
{
    for (uint32_t i = 0; i < self->by[limit].n; i++) {
        free(self->by[limit].metrics[i].metric);
        self->by[limit].metrics[i] = (struct culprit){ 0 };
    }
    for (uint32_t i = 0; i < self->by[limit].n_labels; i++) {
        free(self->by[limit].labels[i].name);
        free(self->by[limit].labels[i].metric);
        self->by[limit].labels[i] = (struct seen_label){ 0 };
    }
    self->by[limit].n = 0;
    self->by[limit].n_labels = 0;
    self->by[limit].since = 0;
}

static void
s_fade(limit_book_t *self, uint8_t limit, uint64_t weight)
{
    self->by[limit].since += weight;
    if (self->by[limit].since < LIMIT_BOOK_FADES)
        return;
    self->by[limit].since = 0;
    for (uint32_t i = 0; i < self->by[limit].n; i++)
        self->by[limit].metrics[i].weight /= 2;
    for (uint32_t i = 0; i < self->by[limit].n_labels; i++)
        self->by[limit].labels[i].weight /= 2;
}

// The bit of the label; 0 where there is no room for another, or it is the metric, told anyway.
static uint32_t
s_weigh(limit_book_t *self, const struct refusal *refusal, const struct label *label)
{
    const uint8_t limit = refusal->limit;
    const size_t len = strlen(label->value);
    const uint64_t value = map_hash(label->value, len) % (64 * VALUE_WORDS);
    struct seen_label *at = self->by[limit].labels;
    uint32_t i = 0;

    if (limit != LIMIT_LABEL_BYTES && strcmp(label->name, LABEL_METRIC) == 0)
        return 0;
    if (at == NULL)
        at = self->by[limit].labels = xcalloc(LIMIT_BOOK_LABELS, sizeof *at);
    while (i < self->by[limit].n_labels && strcmp(at[i].name, label->name) != 0)
        i++;
    if (i == LIMIT_BOOK_LABELS)
        return 0;
    if (i == self->by[limit].n_labels)
        at[self->by[limit].n_labels++].name = xstrdup(label->name);
    if (at[i].metric == NULL || strcmp(at[i].metric, refusal->metric) != 0) {
        free(at[i].metric);
        at[i].metric = xstrdup(refusal->metric);
    }
    at[i].weight += limit == LIMIT_LABEL_BYTES ? strlen(label->name) + len : 1;
    at[i].values[value / 64] |= UINT64_C(1) << value % 64;
    return 1u << i;
}

// That of which the series have the most values, over all that have it; LIMIT_BOOK_LABELS: none.
static uint32_t
s_worst_label(const limit_book_t *self, unsigned limit)
{
    uint32_t ret = LIMIT_BOOK_LABELS;
    uint64_t most = 0;

    for (uint32_t i = 0; i < self->by[limit].n_labels; i++) {
        const struct seen_label *label = &self->by[limit].labels[i];
        uint64_t score = label->weight, values = 0;

        for (unsigned word = 0; word < VALUE_WORDS; word++)
            values += (uint64_t) __builtin_popcountll(label->values[word]);
        if (limit != LIMIT_LABEL_BYTES)
            score *= values - 1; // one value makes one series
        if (score > most) {
            most = score;
            ret = i;
        }
    }
    return ret;
}

// The heaviest of those that have the label, which may all have been put out by others since: then
// the last one.
static const char *
s_worst_metric(const limit_book_t *self, unsigned limit, uint32_t label)
{
    const uint32_t bit = label < LIMIT_BOOK_LABELS ? 1u << label : 0;
    const struct culprit *worst = NULL;

    for (uint32_t i = 0; i < self->by[limit].n; i++) {
        const struct culprit *c = &self->by[limit].metrics[i];

        if ((c->labels & bit) == bit && (worst == NULL || c->weight > worst->weight))
            worst = c;
    }
    if (worst != NULL)
        return worst->metric;
    return bit != 0 ? self->by[limit].labels[label].metric : "";
}

// Cut between two characters.
static void
s_text(char ret[QUERY_LIMIT_TEXT + 1], const char *text)
{
    size_t len = strlen(text);

    if (len > QUERY_LIMIT_TEXT)
        for (len = QUERY_LIMIT_TEXT; len > 0 && ((unsigned char) text[len] & 0xc0u) == 0x80u; len--)
            ;
    memcpy(ret, text, len);
    ret[len] = '\0';
}
