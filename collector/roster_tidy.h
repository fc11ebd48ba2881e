// roster_tidy - a log of many changes is written anew with what they have come to.
//
// In:     the log as it was read back, and the tables that it made.
// Out:    a log of one record a key and a token that is still good; or the log as it was, where it
//         is not much longer than that.
// Thread: that of the roster's open, before anybody else has them. Time is a parameter.

#ifndef COLLECTOR_ROSTER_TIDY_H
#define COLLECTOR_ROSTER_TIDY_H

#include <stdint.h>

#include "collector/key_table.h"
#include "collector/roster_log.h"
#include "collector/token_table.h"

// 0; or as roster_log_replace.
int roster_tidy(roster_log_t *log, const key_table_t *keys, const token_table_t *tokens,
                int64_t now_ms);

#endif
