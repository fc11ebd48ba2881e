// fact_table - the facts of many hosts, as one answer of the collector told them.
//
// Counted, and never changed once it is made: any thread may read it.

#ifndef DASHBOARD_FACT_TABLE_H
#define DASHBOARD_FACT_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "dashboard/host_facts.h"

struct query_series;

typedef struct fact_table fact_table_t;

// From the newest samples of all hosts. One reference for the caller.
fact_table_t *fact_table_new(const struct query_series *series, size_t n);
fact_table_t *fact_table_ref(fact_table_t *self);
// Gives one reference back and nulls the caller's pointer. NULL is fine.
void fact_table_unref(fact_table_t **self_p);

// Hosts of which something is known.
size_t fact_table_count(const fact_table_t *self);
// Of a host, or NULL where nothing is known. NULL is a table that knows nothing.
const struct host_facts *fact_table_get(const fact_table_t *self, uint64_t host);

#endif
