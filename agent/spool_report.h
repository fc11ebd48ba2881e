// spool_report - what a person should hear of a spool, as lines of the log.
//
// In:     what was found at the open; what its thread says of its disk, again and again.
// Out:    a line where there is news.
// Thread: one owner.

#ifndef AGENT_SPOOL_REPORT_H
#define AGENT_SPOOL_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/spool_files.h"

// What was said of a spool's disk. Zero: nothing.
struct spool_report {
    bool full;
    bool broken;
    int64_t full_log_ms; // monotonic, when it was last said to be full
};

// `rc` of spool_open, below zero.
void spool_report_refused(const char *dir, int rc);
void spool_report_found(const struct spool_book *book, const struct spool_files_found *found);
// Records go from memory while the disk is full or broken, so nothing else would tell before they
// are too many for it.
void spool_report_disk(struct spool_report *self, const struct spool_files_stat *files);

#endif
