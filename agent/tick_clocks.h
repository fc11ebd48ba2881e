// tick_clocks - the clocks that a tick is stamped by, read as of one moment.
//
// Out:    three clocks, mostly less than 5 ms apart: who loses the processor between two of them
//         reads again, some times.
// Thread: any.

#ifndef AGENT_TICK_CLOCKS_H
#define AGENT_TICK_CLOCKS_H

#include "agent/tick_stamp.h"

struct tick_clocks tick_clocks_read(void);

#endif
