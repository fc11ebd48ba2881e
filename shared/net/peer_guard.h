// peer_guard - stands between libzmq and the kernel, so that no peer can end or stall the process.
//
// libzmq (4.3.4) has two weaknesses that no option of it reaches:
// - It has no limit of connections. Once accept fails for want of a descriptor its thread asks
//   without end (at ipc it ends the process), and files that we want to open fail as well.
// - It ends the process by an assertion where a connection breaks while its messages find no room,
//   and a ZMTP PING is among those that were read already: by 20 lines of a script at a socket
//   without keys, and with keys the same code stands behind the handshake.
//
// So the program defines accept4, epoll_ctl and epoll_wait itself. The dynamic linker gives a
// library the program's functions before libc's, and these go on to the kernel:
// - What is accepted with a descriptor at or above a ceiling is closed at once. The kernel gives
//   the lowest free number, so what is above the ceiling stays for files of our own: nothing is
//   counted, no watcher can be late. Of the last eighth below it, who has more than half of all
//   gets nothing, so that one address alone shuts nobody out. Local peers (ipc) count as one.
// - A connection that libzmq wants neither to read nor to write is not watched at all, and of one
//   that can be read or written that alone is told. So libzmq learns that a peer has gone by
//   reading and writing only, where it can bear it.
// A relay in front (three descriptors and two copies for each connection) and a watcher that takes
// the listening socket away (blind while it sleeps, and it shuts out whom it serves) were left for
// this. Until peer_guard_start all three do what libc's do.
//
// Thread: any.
// Source: accept(2), epoll_ctl(2), open(2) for the lowest number.

#ifndef SHARED_NET_PEER_GUARD_H
#define SHARED_NET_PEER_GUARD_H

#include <stdint.h>

// `limit` descriptors are to be had (descriptors_raise), of which the process wants `own` itself.
// Before the first socket, once: for all sockets of the process, which has no epoll of its own.
// 0, or ERR_CLOSED where the linker did not give libzmq these functions: then nothing is guarded.
int peer_guard_start(uint64_t limit, uint64_t own);
// Connections that were closed as they came, since the start.
uint64_t peer_guard_refused(void);

#endif
