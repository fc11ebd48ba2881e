// figure - numbers as people read them: "3.4 GiB", "12,345,678", "3 h 12 min".
//
// Thread: pure.

#ifndef COLLECTOR_CTL_FIGURE_H
#define COLLECTOR_CTL_FIGURE_H

#include <stdint.h>

#define FIGURE_SIZE 64

const char *figure_bytes(char out[FIGURE_SIZE], uint64_t bytes);
const char *figure_count(char out[FIGURE_SIZE], uint64_t n);
// The two largest units of it; below zero is 0.
const char *figure_duration(char out[FIGURE_SIZE], int64_t ms);

#endif
