// store_folder - what can be said of a store's folder without opening a file: names and sizes.
//
// Thread: any. Reads the folder.
// Source: collector/store/FORMAT.md, "Files".

#ifndef COLLECTOR_STORE_STORE_FOLDER_H
#define COLLECTOR_STORE_STORE_FOLDER_H

#include <stdint.h>

struct store_folder {
    uint64_t files;         // of tiles
    uint64_t bytes;         // of these, with their logs
    uint64_t meta_bytes;    // of meta.db, with its log; 0: it is not there
    uint64_t damaged;       // files that were set aside
    uint64_t damaged_bytes; // of these
    int64_t first_ms;   // begin of the oldest day that has a file; first above last: there is none
    int64_t last_ms;    // end of the newest
    uint64_t day_bytes; // that a day makes: the mean of the last whole ones; 0: not known yet
};

// `now_ms` tells which days are over. Of a store that began today, a day is what its hours so far
// make of 24, from `since_ms` (its oldest sample; INT64_MIN: not known). 0 or -errno.
int store_folder_look(struct store_folder *ret, const char *dir, int64_t now_ms, int64_t since_ms);

#endif
