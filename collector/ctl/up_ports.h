// up_ports - are the addresses of `zpulse up` free?
//
// In:     the dashboard's address, and the first of the collector's ports.
// Out:    nothing is held: it takes each for a moment, so that what cannot be had is named before
//         anything starts.
// Thread: any.

#ifndef COLLECTOR_CTL_UP_PORTS_H
#define COLLECTOR_CTL_UP_PORTS_H

#include <stdbool.h>

#include "shared/base/buf.h"

#define UP_PORTS 5 // data, control, live, query, enrolment

// True; or false, and `why` is a line that names the address and the option to choose another one
// with. A base of 0: no collector will run.
bool up_ports_free(struct buf *why, const char *listen, unsigned base);

#endif
