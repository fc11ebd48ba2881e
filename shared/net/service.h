// service - what every long-running program of ours does about signals, sockets and its manager.
//
// Thread: main, before any other. All signals are blocked everywhere (but those of a fault) and
//         read by a signalfd, SIGPIPE is ignored, czmq's handlers are off, and the ZeroMQ context
//         is set up (no zero-copy receive: a queued small message would pin 8 KiB).
// Source: signalfd(2), sd_notify(3).

#ifndef SHARED_NET_SERVICE_H
#define SHARED_NET_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

enum service_event {
    SERVICE_NONE,
    SERVICE_STOP,   // SIGTERM, SIGINT
    SERVICE_RELOAD, // SIGHUP
    SERVICE_CHILD,  // SIGCHLD
};

// 0 and the signalfd (readable when service_next has something), or -errno.
int service_start(unsigned io_threads);
// Never blocks.
enum service_event service_next(int fd);
// "READY=1", "STOPPING=1", "WATCHDOG=1", "STATUS=..." to $NOTIFY_SOCKET; nothing where it is not
// set.
void service_notify(const char *state);
// Closes the ZeroMQ context after all sockets are closed, and the signalfd. False if that was not
// done within SERVICE_END_MS: libzmq's thread then looks up a name with a server that does not
// answer, for as long as the resolver tries. It is left behind, and the process is to end.
#define SERVICE_END_MS 500 // longer than sockets linger
bool service_end(int fd);
// Unblocks signals and undoes SIGPIPE: for a child between fork and exec.
void service_child(void);

// Reads the 64-bit id in `dir`/`name` (16 hex digits), making folder and id where they are missing.
// 0 and *ret, -errno, or ERR_FORMAT if the file holds something else.
int service_id(uint64_t *ret, const char *dir, const char *name);
// Locks `dir`/lock until the process ends: 0 and a descriptor to keep, ERR_LOCKED, or -errno.
int service_lock(int *ret, const char *dir);

#endif
