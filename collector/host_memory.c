// host_memory - see the header.

#include "collector/host_memory.h"

#include <string.h>

#include "shared/base/clock.h"
#include "shared/base/map.h"
#include "shared/wire/import_host.h"

// Of each host when its newest record came; NULL where none did: it is kept as a pointer.
static map_t *
s_heard(const lane_table_t *lanes)
{
    map_t *heard = map_new();
    const struct lane_entry *lane;
    size_t at = 0;

    while ((lane = lane_table_next(lanes, &at)) != NULL)
        if (lane->heard_ms > (int64_t) (intptr_t) map_get_u64(heard, lane->host))
            map_put_u64(heard, lane->host, (void *) (intptr_t) lane->heard_ms);
    return heard;
}

void
host_memory_recall(host_table_t *hosts, const lane_table_t *lanes)
{
    const struct host_time now = { .mono_ms = clock_mono_ms(), .real_ms = clock_real_ms() };
    map_t *heard = s_heard(lanes);
    const struct lane_host *lane_host;
    uint64_t id;
    size_t at = 0;

    while ((lane_host = lane_table_next_host(lanes, &at, &id)) != NULL) {
        const int64_t heard_ms = (int64_t) (intptr_t) map_get_u64(heard, id);

        if (lane_host->name == NULL || lane_host->name[0] == '\0' || heard_ms == 0)
            continue;
        host_table_recall(hosts, id, lane_host->name,
                          id == import_host_id(lane_host->name, strlen(lane_host->name)), heard_ms,
                          now);
    }
    map_destroy(&heard);
}

void
host_memory_look_back(host_table_t *hosts, const replay_t *replay)
{
    const struct host *host;
    size_t at = 0;

    while ((host = host_table_next(hosts, &at)) != NULL)
        host_table_filled(hosts, host->info.host, replay_first_ms(replay, host->info.host));
}
