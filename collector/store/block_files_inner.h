// block_files_inner - what the writer and the readers of the folder share.

#ifndef COLLECTOR_STORE_BLOCK_FILES_INNER_H
#define COLLECTOR_STORE_BLOCK_FILES_INNER_H

#include <pthread.h>
#include <stdatomic.h>

#include "collector/store/block_files.h"

#define BLOCK_PATH_SIZE    4096u
#define BLOCK_DOUBTS       16u
#define BLOCK_FILES_MERGED ".merged" // suffix of a file that is being merged

// A file that somebody could not read.
struct block_doubt {
    struct block_name name;
    int rc;    // what was met: ERR_FORMAT, ERR_UNKNOWN or ERR_VERSION
    bool told; // of a newer version, and the caller knows
};

// A file that the writer has open.
struct block_open {
    struct block_name name;
    block_db_t *db;
    int64_t written_ms; // as of the tick before
    uint64_t used;      // rises with each use
};

struct block_files {
    struct block_files_config config;
    char *dir;
    int64_t now_ms;        // of the last tick
    uint64_t uses;         // counts
    int64_t checkpoint_ms; // as block_files_checkpointed
    int64_t checkpoint_us;
    struct block_open open[BLOCK_FILES_OPEN]; // `opened` of them
    size_t opened;
    bool logs_gone; // no file that is not open has a log
    atomic_uint readers;
    // Held while a name comes or goes, and while a reader opens a file: SQLite opens a file, its
    // log and the log's index by name one after the other, and they have to belong together.
    pthread_mutex_t names;
    struct block_doubt doubts[BLOCK_DOUBTS]; // under `names`; `doubted` of them
    size_t doubted;
};

// "DIR/NAME" and the suffix.
void block_files_path(const block_files_t *self, const struct block_name *name, const char *suffix,
                      char ret[BLOCK_PATH_SIZE]);
// Any thread. Where there are too many doubts already, this one comes again with the next read.
void block_files_doubt(block_files_t *self, const struct block_name *name, int rc);
// Takes the file from under its name, if it is really damaged or another's. 0 or -errno.
int block_files_look(block_files_t *self, const struct block_doubt *doubt);
// Takes it from there without looking; the writer does not have it open. 0 or -errno.
int block_files_set_aside(block_files_t *self, const struct block_name *name, const char *reason);
// Removes "DIR/NAME" + suffix and what SQLite keeps beside it; the lock is held. 0 or -errno.
int block_files_unlink(const block_files_t *self, const struct block_name *name,
                       const char *suffix);
// Gives "DIR/NAME" + suffix, which is whole and on the disk, the name of the old file, of which the
// log is empty and nobody writes. 0; 1: the folder does not let us, the old file stays; or -errno,
// final.
int block_files_replace(block_files_t *self, const struct block_name *name, const char *suffix);
// Closes the file if the writer has it open, and moves its log into it. 0; 1: somebody is in the
// way, or there is no room; or -errno, final.
int block_files_let_go(block_files_t *self, const struct block_name *name);
// Bytes of the file's log.
uint64_t block_files_log(const block_files_t *self, const struct block_name *name);
// Names last only once the folder is on the disk. 0 or -errno, which is final.
int block_files_sync(const block_files_t *self);
// The writer's connection, or NULL; and its end: 0 or -errno.
struct block_open *block_files_find(block_files_t *self, const struct block_name *name);
int block_files_shut(block_files_t *self, struct block_open *file);

#endif
