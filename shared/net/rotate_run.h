// rotate_run - has a program's own key replaced: zpulse-agent --rotate, zpulse-dashboard --rotate.
//
// In:     where, and how the key is called; its signals and time are ours.
// Out:    another NAME.key in the folder of keys, which the program, where it runs, takes up by
//         itself (key_watch.h); one line on stdout, or what is wrong on stderr, and the exit code.
// Thread: main.

#ifndef SHARED_NET_ROTATE_RUN_H
#define SHARED_NET_ROTATE_RUN_H

#include "shared/net/key_rotation.h"

// `program` is "zpulse-agent"; of *how collector, dir, name and door count.
int rotate_run(const char *program, const struct key_rotation *how);

#endif
