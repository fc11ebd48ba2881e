// backup_store - the store's part of a backup: block files, then what they are of.
//
// Order:  behind the journal's part: what a journal lets go is in the files by then. Block files
//         before meta.db, which has the series of all tiles that were written before it, and
//         promises no less of their numbers.
// Source: collector/store/FORMAT.md, "Files".

#ifndef COLLECTOR_CTL_BACKUP_STORE_H
#define COLLECTOR_CTL_BACKUP_STORE_H

#include "collector/ctl/backup_files.h"

// 0; ERR_FORMAT: meta.db is damaged; -ECANCELED; -ENOSPC; or -errno. A block file that can not be
// copied is in b->lacks. None where there is no store.
int backup_store(struct backup *b);

#endif
