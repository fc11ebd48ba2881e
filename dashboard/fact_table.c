// fact_table - the facts of many hosts, as one answer of the collector told them.

#include "dashboard/fact_table.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "shared/base/map.h"
#include "shared/base/xalloc.h"
#include "shared/wire/query_msg.h"

struct fact_table {
    atomic_uint refs;
    map_t *by_host; // struct host_facts, ours
};

fact_table_t *
fact_table_new(const struct query_series *series, size_t n)
{
    fact_table_t *self = xcalloc(1, sizeof *self);

    atomic_init(&self->refs, 1);
    self->by_host = map_new();
    for (size_t i = 0; i < n; i++) {
        const struct query_series *s = &series[i];
        struct host_facts *facts = map_get_u64(self->by_host, s->host);

        if (s->n == 0)
            continue;
        if (facts == NULL) {
            facts = xcalloc(1, sizeof *facts);
            map_put_u64(self->by_host, s->host, facts);
        }
        host_facts_take(facts, &s->labels, s->samples[s->n - 1].time_ms,
                        s->samples[s->n - 1].value);
    }
    return self;
}

fact_table_t *
fact_table_ref(fact_table_t *self)
{
    atomic_fetch_add_explicit(&self->refs, 1, memory_order_relaxed);
    return self;
}

void
fact_table_unref(fact_table_t **self_p)
{
    fact_table_t *self = *self_p;
    struct map_entry entry;

    *self_p = NULL;
    if (self == NULL || atomic_fetch_sub_explicit(&self->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t at = 0; map_next(self->by_host, &at, &entry);) {
        host_facts_release(entry.value);
        free(entry.value);
    }
    map_destroy(&self->by_host);
    free(self);
}

size_t
fact_table_count(const fact_table_t *self)
{
    return map_count(self->by_host);
}

const struct host_facts *
fact_table_get(const fact_table_t *self, uint64_t host)
{
    return self != NULL ? map_get_u64(self->by_host, host) : NULL;
}
