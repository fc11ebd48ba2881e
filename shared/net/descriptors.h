// descriptors - how many files and connections this process may have open, and what of them is
// ours.
//
// libzmq cannot refuse a connection: where accept fails for want of a descriptor, its thread tries
// again without end. So what it may take is computed from the limit in force, and what the process
// needs for itself (segments, databases, sockets, a log) is kept back.
//
// Thread: descriptors_raise before the first other one; the rest is pure.
// Source: getrlimit(2).

#ifndef SHARED_NET_DESCRIPTORS_H
#define SHARED_NET_DESCRIPTORS_H

#include <stdint.h>

// Raises the soft limit to the hard one, and the hard one to `want` where we may. The limit in
// force then; where that is below `want`, a line in the log says what it is and what was wanted.
uint64_t descriptors_raise(uint64_t want);
// Of `limit`, what peers may have: all but `own` and a 32nd of the limit (at least 16), in which
// connections are refused, looked at and closed. Never 0, so that a program under a mean limit does
// something.
uint64_t descriptors_for_peers(uint64_t limit, uint64_t own);
// The limit that `peers` connections and `own` files ask for: the other direction of the same rule.
uint64_t descriptors_wanted(uint64_t peers, uint64_t own);

#endif
