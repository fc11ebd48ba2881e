// backup_store - the store's part of a backup: block files, then what they are of.
//
// Order:  behind the journal's part: what a journal lets go is in the files by then. Block files
//         before meta.db, which has the series of all tiles that were written before it; and what
//         it promises of numbers and of the journal holds for what was copied.
// Source: collector/store/FORMAT.md, "Files".

#ifndef COLLECTOR_CTL_BACKUP_STORE_H
#define COLLECTOR_CTL_BACKUP_STORE_H

#include "collector/ctl/backup_files.h"

// Before the journal is copied: from which segment on a replay of the data folder would read now.
// 0 and *ret, 0 where that is not said; or an error as below.
int backup_oldest_segment(const char *dir, uint64_t *ret);
// 0; ERR_FORMAT: meta.db is damaged; -ECANCELED; -ENOSPC; or -errno. A block file that can not be
// copied is in b->lacks. None where there is no store.
int backup_store(struct backup *b, uint64_t oldest_segment);

#endif
