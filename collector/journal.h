// journal - the thread that makes accepted records durable.
//
// In:     groups of entries through a bounded ring. The commit waits for no timer: who submits
//         gathers the next group while this one is on its way.
// Out:    the same groups, with what came of them, through a ring with a descriptor, in order.
// Thread: its own for the files; journal_* are one other thread's to call.
// Loss:   as journal_file says. After a final error every group comes back with it.

#ifndef COLLECTOR_JOURNAL_H
#define COLLECTOR_JOURNAL_H

#include <stdbool.h>

#include "collector/journal_file.h"

#define JOURNAL_GROUPS 2u // on their way at most: one at the disk, one waiting

typedef struct journal journal_t;

// Opens the files and starts the thread; errors as journal_file_open has them.
int journal_start(journal_t **ret, struct journal_found *found, const struct journal_options *opt);
// Commits what was submitted, and ends. Groups that nobody took are freed. NULL is fine.
void journal_stop(journal_t **self_p);

// What was there at the start; for the time before the first submit.
const lane_table_t *journal_lanes(const journal_t *self);
struct segment_place journal_end(const journal_t *self);
uint64_t journal_oldest(const journal_t *self); // segment

// As journal_file_let_go.
void journal_let_go(journal_t *self, uint64_t below);
void journal_hold(journal_t *self, bool on); // as journal_file_hold

// Takes the group. Not while JOURNAL_GROUPS are on their way.
void journal_submit(journal_t *self, struct journal_group **group_p);
// Readable while there may be groups; journal_ack, then take until NULL.
int journal_fd(const journal_t *self);
void journal_ack(journal_t *self);
struct journal_group *journal_take(journal_t *self); // the caller's again

#endif
