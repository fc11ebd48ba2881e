// host_table - the hosts that the collector knows, as last told.

#include "dashboard/host_table.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/map.h"
#include "shared/base/str.h"
#include "shared/base/xalloc.h"

struct host_table {
    map_t *by_id; // struct host_info, ours
    uint64_t epoch;
};

static void s_clear(host_table_t *self);

host_table_t *
host_table_new(void)
{
    host_table_t *self = xcalloc(1, sizeof *self);

    self->by_id = map_new();
    return self;
}

void
host_table_destroy(host_table_t **self_p)
{
    host_table_t *self = *self_p;

    if (self == NULL)
        return;
    s_clear(self);
    map_destroy(&self->by_id);
    free(self);
    *self_p = NULL;
}

void
host_table_set_epoch(host_table_t *self, uint64_t epoch)
{
    if (epoch != self->epoch)
        s_clear(self);
    self->epoch = epoch;
}

bool
host_table_put(host_table_t *self, struct host_info *info)
{
    struct host_info *known;

    known = map_get_u64(self->by_id, info->host);
    if (known != NULL && known->since_ms > info->since_ms)
        return false;
    if (known == NULL) {
        known = xcalloc(1, sizeof *known);
        map_put_u64(self->by_id, info->host, known);
    }
    host_info_release(known);
    *known = *info;
    *info = (struct host_info){ 0 };
    return true;
}

const struct host_info *
host_table_get(const host_table_t *self, uint64_t host)
{
    return map_get_u64(self->by_id, host);
}

const struct host_info *
host_table_find(const host_table_t *self, const char *text)
{
    const struct host_info *best = NULL;
    struct map_entry entry;
    uint64_t id;

    if (str_hex64(&id, text, strlen(text)) == 0)
        best = host_table_get(self, id);
    if (best != NULL)
        return best;
    for (size_t at = 0; map_next(self->by_id, &at, &entry);) {
        const struct host_info *info = entry.value;

        if (info->name != NULL && strcmp(info->name, text) == 0 &&
            (best == NULL || info->last_ms > best->last_ms))
            best = info;
    }
    return best;
}

static void
s_clear(host_table_t *self)
{
    struct map_entry entry;

    for (size_t at = 0; map_next(self->by_id, &at, &entry);) {
        host_info_release(entry.value);
        free(entry.value);
    }
    map_destroy(&self->by_id);
    self->by_id = map_new();
}
