// backup_journal - the journal's part of a backup: all that was durable when it began.
//
// In:     the journal's folder, which its owner may be writing, and letting segments go from.
// Out:    segments that were there together: all copied of a list of which none went meanwhile, so
//         that definitions that are written anew before a segment goes are in a later one of the
//         same list. Of the newest, the records that follow each other without a break; a record
//         that is being written is no part of it.
// Source: shared/base/segment.h.

#ifndef COLLECTOR_CTL_BACKUP_JOURNAL_H
#define COLLECTOR_CTL_BACKUP_JOURNAL_H

#include "collector/ctl/backup_files.h"

// 0; -ECANCELED; -ENOSPC; -EAGAIN: segments come and go faster than they are copied; or -errno.
// None where there is no journal.
int backup_journal(struct backup *b);

#endif
