// host_memory - hosts that were known before a start, until they come again.
//
// In:     what the journal knows: hosts by name, and when they were last heard.
// Out:    they stand in the table of hosts, silent since then, or stopped where they were imported:
//         what the store has of them can be asked for.
// Thread: that of the table.

#ifndef COLLECTOR_HOST_MEMORY_H
#define COLLECTOR_HOST_MEMORY_H

#include "collector/host_table.h"
#include "collector/replay.h"

void host_memory_recall(host_table_t *hosts, const lane_table_t *lanes);
// Once the replay is done: since when the store has something of each.
void host_memory_look_back(host_table_t *hosts, const replay_t *replay);

#endif
