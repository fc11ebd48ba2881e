// known_hosts - the hosts that the collector knows, as last told.

#include "dashboard/known_hosts.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/map.h"
#include "shared/base/str.h"
#include "shared/base/xalloc.h"

struct known_hosts {
    map_t *by_id; // struct host_info, ours
    uint64_t epoch;
};

static void s_clear(known_hosts_t *self);

known_hosts_t *
known_hosts_new(void)
{
    known_hosts_t *self = xcalloc(1, sizeof *self);

    self->by_id = map_new();
    return self;
}

void
known_hosts_destroy(known_hosts_t **self_p)
{
    known_hosts_t *self = *self_p;

    if (self == NULL)
        return;
    s_clear(self);
    map_destroy(&self->by_id);
    free(self);
    *self_p = NULL;
}

void
known_hosts_set_epoch(known_hosts_t *self, uint64_t epoch)
{
    if (epoch != self->epoch)
        s_clear(self);
    self->epoch = epoch;
}

bool
known_hosts_put(known_hosts_t *self, struct host_info *info)
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

size_t
known_hosts_count(const known_hosts_t *self)
{
    return map_count(self->by_id);
}

const struct host_info *
known_hosts_get(const known_hosts_t *self, uint64_t host)
{
    return map_get_u64(self->by_id, host);
}

const struct host_info *
known_hosts_find(const known_hosts_t *self, const char *text)
{
    const struct host_info *best = NULL;
    struct map_entry entry;
    uint64_t id;

    if (str_hex64(&id, text, strlen(text)) == 0)
        best = known_hosts_get(self, id);
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
s_clear(known_hosts_t *self)
{
    struct map_entry entry;

    for (size_t at = 0; map_next(self->by_id, &at, &entry);) {
        host_info_release(entry.value);
        free(entry.value);
    }
    map_destroy(&self->by_id);
    self->by_id = map_new();
}
