// collector - the whole: data folder, store, reactor; in what order they start and stop.

#ifndef COLLECTOR_COLLECTOR_H
#define COLLECTOR_COLLECTOR_H

#include <stdbool.h>

#include "collector/collector_option.h"

#define COLLECTOR_TURN_MS 5000

typedef struct collector collector_t;

// 0 and *ret: it is ready. Else *exit_ret is the exit code, and the log has said why.
int collector_start(collector_t **ret, int *exit_ret, const struct collector_options *options);
void collector_stop(collector_t **self_p);
// From time to time, COLLECTOR_TURN_MS after the last at most: takes up what an operator has
// changed beside the collector's key. Looks when it is due, or now. Main's thread; may wait for the
// disk.
void collector_turn(collector_t *self, bool now);
// Readable if it ended on its own, which is a failure.
int collector_ended_fd(const collector_t *self);
// Readable once nobody can be let in any more; -1 without keys.
int collector_shut_fd(const collector_t *self);

#endif
