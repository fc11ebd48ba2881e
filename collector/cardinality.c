// cardinality - see the header.

#include "collector/cardinality.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/xalloc.h"
#include "shared/wire/query_count.h"

static void s_offer(void *arg, const struct store_count *count);
static uint32_t s_key(const struct cardinality *self, const struct store_count *count);
static void s_put(struct buf *out, const struct cardinality *list);

int
cardinality_take(struct cardinality *ret, store_t *store, enum store_count_of of, const char *label,
                 size_t most)
{
    *ret = (struct cardinality){ .of = of, .most = most };
    ret->at = xcalloc(most, sizeof *ret->at);
    return store_count(store, of, label, s_offer, ret);
}

void
cardinality_release(struct cardinality *self)
{
    for (size_t i = 0; i < self->n; i++)
        free((char *) (uintptr_t) self->at[i].text);
    free(self->at);
    self->at = NULL;
    self->n = 0;
}

int
cardinality_put(struct buf *out, uint32_t *n_ret, store_t *store,
                const struct query_request *question)
{
    static const enum store_count_of lists[] = { STORE_COUNT_HOSTS, STORE_COUNT_NAMES,
                                                 STORE_COUNT_VALUES };
    char *label = question->n_selectors > 0
                      ? xstrndup(question->selectors[0], question->selector_len[0])
                      : xstrdup(LABEL_METRIC);
    int rc = 0;

    *n_ret = 0;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0] && rc == 0; i++) {
        struct cardinality list;

        rc = cardinality_take(&list, store, lists[i], label, QUERY_COUNTS_MAX);
        s_put(out, &list);
        *n_ret += (uint32_t) list.n;
        cardinality_release(&list);
    }
    free(label);
    return rc;
}

// The list is short and most of what is offered is below its last: put in its place from the end.
static void
s_offer(void *arg, const struct store_count *count)
{
    struct cardinality *self = arg;
    const uint32_t key = s_key(self, count);
    size_t at;

    if (self->n == self->most) {
        if (key <= s_key(self, &self->at[self->n - 1]))
            return;
        free((char *) (uintptr_t) self->at[--self->n].text);
    }
    for (at = self->n++; at > 0 && s_key(self, &self->at[at - 1]) < key; at--)
        self->at[at] = self->at[at - 1];
    self->at[at] = *count;
    if (count->text != NULL)
        self->at[at].text = xstrdup(count->text);
}

static uint32_t
s_key(const struct cardinality *self, const struct store_count *count)
{
    return self->of == STORE_COUNT_NAMES ? count->values : count->series;
}

static void
s_put(struct buf *out, const struct cardinality *list)
{
    static const uint8_t kinds[] = { [STORE_COUNT_HOSTS] = QUERY_COUNT_HOST,
                                     [STORE_COUNT_NAMES] = QUERY_COUNT_NAME,
                                     [STORE_COUNT_VALUES] = QUERY_COUNT_VALUE };

    for (size_t i = 0; i < list->n; i++) {
        const struct store_count *count = &list->at[i];

        // Borrowed for the call: the encoder changes nothing.
        query_put_count(out, &(struct query_count){ .of = kinds[list->of],
                                                    .host = count->host,
                                                    .text = (char *) (uintptr_t) count->text,
                                                    .series = count->series,
                                                    .made = count->made,
                                                    .values = count->values,
                                                    .values_made = count->values_made });
    }
}
