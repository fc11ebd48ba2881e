// limit_book - see the header.

#include "collector/limit_book.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/map.h"
#include "shared/base/xalloc.h"

struct culprit_label {
    char *name;
    uint64_t value;  // hash of the last refused series' one
    uint64_t weight; // how often it was another, or bytes
};

struct culprit {
    char *metric;
    uint64_t weight; // series and samples, as far as they have not faded
    uint32_t n_labels;
    struct culprit_label labels[LIMIT_BOOK_LABELS];
};

struct limit_book {
    struct {
        uint64_t series;
        uint64_t samples;
        uint64_t since; // series and samples since weights were halved
        uint32_t n;
        struct culprit *metrics; // of LIMIT_BOOK_METRICS; NULL: none was needed
    } by[REFUSED_LIMITS];
};

static struct culprit *s_culprit(limit_book_t *self, const struct refusal *refusal);
static void s_begin(limit_book_t *self, uint8_t limit);
static void s_fade(limit_book_t *self, uint8_t limit, uint64_t weight);
static void s_weigh(struct culprit *c, const struct refusal *refusal, const struct label *label);
static void s_clear(struct culprit *c);
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
        for (uint32_t j = 0; j < self->by[i].n; j++)
            s_clear(&self->by[i].metrics[j]);
        free(self->by[i].metrics);
    }
    free(self);
    *self_p = NULL;
}

void
limit_book_add(limit_book_t *self, const struct refusal *refusal)
{
    const bool series = refusal->labels != NULL;
    const uint64_t weight = series ? 1 : refusal->samples;
    struct culprit *c;

    if (series && self->by[refusal->limit].series == 0)
        s_begin(self, refusal->limit);
    self->by[refusal->limit].series += series;
    self->by[refusal->limit].samples += refusal->samples;
    if (!series && self->by[refusal->limit].series > 0)
        return;
    c = s_culprit(self, refusal);
    s_fade(self, refusal->limit, weight);
    c->weight += weight;
    for (size_t i = 0; refusal->labels != NULL && i < refusal->labels->count; i++)
        s_weigh(c, refusal, &refusal->labels->at[i]);
}

uint32_t
limit_book_get(const limit_book_t *self, struct query_limit ret[REFUSED_LIMITS])
{
    uint32_t n = 0;

    for (unsigned limit = 1; limit < REFUSED_LIMITS; limit++) {
        const struct culprit *worst = self->by[limit].metrics;
        const struct culprit_label *label;

        if (self->by[limit].series == 0 && self->by[limit].samples == 0)
            continue;
        ret[n] = (struct query_limit){ .limit = (uint8_t) limit,
                                       .series = self->by[limit].series,
                                       .samples = self->by[limit].samples };
        for (uint32_t i = 1; i < self->by[limit].n; i++)
            if (self->by[limit].metrics[i].weight > worst->weight)
                worst = &self->by[limit].metrics[i];
        s_text(ret[n].metric, worst->metric);
        label = &worst->labels[0];
        for (uint32_t i = 1; i < worst->n_labels; i++)
            if (worst->labels[i].weight > label->weight)
                label = &worst->labels[i];
        if (worst->n_labels > 0 && label->weight > 0)
            s_text(ret[n].label, label->name);
        n++;
    }
    return n;
}

// That of the metric, made in the place of the lightest where there is no room.
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
    s_clear(lightest);
    lightest->metric = xstrdup(refusal->metric);
    return lightest;
}

// What weighed as samples weighs no more.
static void
s_begin(limit_book_t *self, uint8_t limit)
{
    for (uint32_t i = 0; i < self->by[limit].n; i++)
        s_clear(&self->by[limit].metrics[i]);
    self->by[limit].n = 0;
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
}

static void
s_weigh(struct culprit *c, const struct refusal *refusal, const struct label *label)
{
    const size_t len = strlen(label->value);
    const uint64_t value = map_hash(label->value, len);
    struct culprit_label *is = NULL;

    for (uint32_t i = 0; i < c->n_labels && is == NULL; i++)
        if (strcmp(c->labels[i].name, label->name) == 0)
            is = &c->labels[i];
    if (is == NULL && c->n_labels == LIMIT_BOOK_LABELS)
        return;
    if (is == NULL) {
        is = &c->labels[c->n_labels++];
        *is = (struct culprit_label){ .name = xstrdup(label->name), .value = value };
    }
    if (refusal->limit == LIMIT_LABEL_BYTES)
        is->weight += strlen(label->name) + len;
    else
        is->weight += is->value != value;
    is->value = value;
}

static void
s_clear(struct culprit *c)
{
    free(c->metric);
    for (uint32_t i = 0; i < c->n_labels; i++)
        free(c->labels[i].name);
    *c = (struct culprit){ 0 };
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
