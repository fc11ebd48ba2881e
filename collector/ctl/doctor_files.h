// doctor_files - what the files of a data folder are worth, read without its collector.
//
// In:     a data folder. A collector may be running on it: its files are opened as readers do.
// Out:    for each block file and meta.db SQLite's own check, each tile's checksums and series, the
//         marks; for each segment of the journal its records. What is wrong is a finding.
// Thread: one owner. Changes nothing, but that SQLite may make -wal and -shm beside a file.
// Cost:   reads everything there is.

#ifndef COLLECTOR_CTL_DOCTOR_FILES_H
#define COLLECTOR_CTL_DOCTOR_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/ctl/doctor_facts.h"
#include "shared/base/buf.h"
#include "shared/base/json.h"
#include "shared/base/map.h"

struct doctor_file {
    char *name;       // owned
    const char *is;   // "sound", or in a word what is wrong
    uint64_t bytes;   // with its log
    uint64_t tiles;   // block file; meta.db: series; events.db: events; a segment: records
    uint64_t samples; // block file
    uint64_t payload; // bytes of tiles
    uint64_t marks;
    bool merged;      // block file: its tiles were made fewer and longer
    int64_t first_ms; // of block files that have tiles
    int64_t last_ms;
};

struct doctor_files {
    bool runs; // a collector has the folder
    struct doctor_file *at;
    size_t n;
};

// 0; -EINTR: a signal to stop; or -errno: the folder can not be read.
int doctor_files_read(struct doctor_files *ret, const char *dir, struct findings *findings,
                      int signals);
void doctor_files_release(struct doctor_files *files);
void doctor_files_put_text(struct buf *out, const struct doctor_files *files);
// A member of an object that is open.
void doctor_files_put_json(struct json *j, const struct doctor_files *files);

// The parts, for each of the two folders.
struct doctor_reading {
    struct doctor_files *files;
    struct findings *findings;
    int signals;    // -1: none
    map_t *used;    // series that tiles have, by id
    uint64_t owner; // of the journal: the collector's id; 0: not known
};
struct doctor_file *doctor_files_add(struct doctor_reading *r, const char *name);
int doctor_store_read(struct doctor_reading *r, const char *dir);   // DATA/store
int doctor_journal_read(struct doctor_reading *r, const char *dir); // DATA/journal

#endif
