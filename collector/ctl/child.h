// child - one program that `zpulse up` runs.
//
// In a process group of its own, so that Ctrl-C reaches only us and the order of stopping is ours;
// it gets SIGTERM if we die. stdin is /dev/null; what it prints comes back line by line with its
// name before it.
// Thread: main, and only main: the kernel ends the child when the *thread* that made it ends.
// Loss:   a line that cannot be passed on at once is dropped and counted.

#ifndef COLLECTOR_CTL_CHILD_H
#define COLLECTOR_CTL_CHILD_H

#include <stdbool.h>

#include "shared/base/buf.h"

typedef struct child child_t;

// Starts argv[0] with argv (ends with NULL). `name` is borrowed for as long as the child.
// 0, or -errno: also that of a program that is not there or cannot be run.
int child_start(child_t **ret, const char *name, char *const *argv);
// Kills it if it still runs, and waits.
void child_destroy(child_t **self_p);

// Readable when it has said something; -1 once it has closed its end.
int child_fd(const child_t *self);
// Passes on to `out_fd` what it has said since. Never waits.
void child_relay(child_t *self, int out_fd);
// Reaps it: true from its end on.
bool child_ended(child_t *self);
// "ended with status 1", "was killed by signal 9 (Killed)"; after child_ended.
void child_ending(const child_t *self, struct buf *out);
// Its exit code; -1 where a signal killed it. Likewise.
int child_exit_code(const child_t *self);
// To its whole group; nothing once it has ended.
void child_signal(const child_t *self, int signal);

#endif
