// reload - what SIGHUP changes in a program while it runs: the log level.
//
// In:     the table that the program started with, and its command line.
// Out:    the new level in force, or, where flags, environment or file are wrong now, that said on
//         stderr and nothing changed.
// Thread: main.

#ifndef SHARED_NET_RELOAD_H
#define SHARED_NET_RELOAD_H

#include "shared/net/option.h"

void reload_log_level(const struct option_program *program, int argc, char **argv);

#endif
