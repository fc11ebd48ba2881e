// output - bytes to standard output, however slow its reader is.
//
// Thread: one owner. A signal ends the wait for a reader that does not read; one that has gone ends
// it too, and is no error: it had enough.

#ifndef COLLECTOR_CTL_OUTPUT_H
#define COLLECTOR_CTL_OUTPUT_H

#include "shared/base/buf.h"

// All of it, and *out is empty. 0; -EPIPE (nobody reads any more), -EINTR (a signal to stop, on
// `signals`, -1: none), or -errno.
int output_write(struct buf *out, int signals);

// The same, as the end of the command of that name: its exit code. What is neither a reader that
// had enough nor a signal has been said on standard error.
int output_end(const char *command, struct buf *out, int signals);

#endif
