// ledger_json - see the header.

#include "shared/wire/ledger_json.h"

#include "shared/base/str.h"
#include "shared/wire/live.h"

#define WHY_SIZE 256

typedef const char *name_fn(unsigned cause);

static void s_uint(struct json *j, const char *key, uint64_t value);
static void s_causes(struct json *j, const char *key, const uint64_t *counts, unsigned n,
                     name_fn *name);
static void s_gap(struct json *j, const struct query_gap *gap);
static void s_limit(struct json *j, const struct query_limit *limit);

void
ledger_json_put(struct json *j, const struct query_ledger *l)
{
    char id[STR_HEX64_SIZE], why[WHY_SIZE];
    const bool ok = query_ledger_check(l, why, sizeof why);

    json_object(j);
    json_key(j, "id");
    json_str(j, str_hex64_put(id, l->host));
    json_key(j, "name");
    json_str(j, l->name);
    json_key(j, "state");
    json_str(j, host_state_str(l->state));
    json_key(j, "ok");
    json_bool(j, ok);
    json_key(j, "why");
    if (ok)
        json_null(j);
    else
        json_str(j, why);
    json_key(j, "told_ms");
    json_int(j, l->told_ms);
    s_uint(j, "produced", l->told.produced);
    s_uint(j, "acked", l->told.acked);
    s_uint(j, "pending", l->told.pending);
    s_causes(j, "lost", l->told.lost, LOST_CAUSES, lost_cause_str);
    s_causes(j, "missed", l->told.missed, MISSED_CAUSES, missed_cause_str);
    s_uint(j, "stored", l->stored);
    s_uint(j, "elsewhere", l->elsewhere);
    s_causes(j, "refused", l->refused, REFUSED_CAUSES, refused_cause_str);
    s_uint(j, "before", l->before);
    s_uint(j, "duplicates", l->duplicates);
    s_uint(j, "conflicts", l->conflicts);
    json_key(j, "settled");
    json_bool(j, l->settled);
    json_key(j, "unbalanced");
    json_int(j, l->unbalanced);
    json_key(j, "gaps");
    json_array(j);
    for (uint32_t i = 0; i < l->n_gaps; i++)
        s_gap(j, &l->gaps[i]);
    json_array_end(j);
    json_key(j, "limits");
    json_array(j);
    for (uint32_t i = 0; i < l->n_limits; i++)
        s_limit(j, &l->limits[i]);
    json_array_end(j);
    json_object_end(j);
}

static void
s_uint(struct json *j, const char *key, uint64_t value)
{
    json_key(j, key);
    json_uint(j, value);
}

// All of them, so that who reads it need not know which there are.
static void
s_causes(struct json *j, const char *key, const uint64_t *counts, unsigned n, name_fn *name)
{
    json_key(j, key);
    json_object(j);
    for (unsigned i = 0; i < n; i++)
        s_uint(j, name(i), counts[i]);
    json_object_end(j);
}

static void
s_gap(struct json *j, const struct query_gap *gap)
{
    json_object(j);
    json_key(j, "what");
    json_str(j, gap->missed ? "missed" : "lost");
    json_key(j, "cause");
    json_str(j, query_gap_cause_str(gap));
    json_key(j, "from");
    json_int(j, gap->from_ms);
    json_key(j, "to");
    json_int(j, gap->to_ms);
    s_uint(j, "count", gap->count);
    json_object_end(j);
}

static void
s_text(struct json *j, const char *key, const char *text)
{
    json_key(j, key);
    if (text[0] != '\0')
        json_str(j, text);
    else
        json_null(j);
}

static void
s_limit(struct json *j, const struct query_limit *limit)
{
    json_object(j);
    json_key(j, "limit");
    json_str(j, refused_limit_str(limit->limit));
    s_uint(j, "series", limit->series);
    s_uint(j, "samples", limit->samples);
    s_text(j, "metric", limit->metric);
    s_text(j, "label", limit->label);
    json_object_end(j);
}
