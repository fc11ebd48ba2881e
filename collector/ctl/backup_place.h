// backup_place - where a backup comes to be: a folder beside its name, which gets that name once
// all of it is on the disk.
//
// Files:  DIR.part, locked while it is being made. One that nobody has locked was broken off, and
//         is removed by the next backup of this name.
// Loss:   DIR is never half a backup, whenever the machine stops.

#ifndef COLLECTOR_CTL_BACKUP_PLACE_H
#define COLLECTOR_CTL_BACKUP_PLACE_H

#include "shared/base/buf.h"

struct backup_place {
    struct buf dir;  // without slashes at its end
    struct buf part; // the folder that is being made
    int fd;          // of that folder, locked; -1: there is none
};

// 0; -EEXIST: DIR is there, and not an empty folder; ERR_RANGE: it is inside `data`; ERR_LOCKED:
// another backup is made there; or -errno. To be released in any case.
int backup_place_open(struct backup_place *ret, const char *dir, const char *data);
// 0 or -errno: then nothing is left.
int backup_place_finish(struct backup_place *self);
// Removes what was made, if it was not finished.
void backup_place_release(struct backup_place *self);

#endif
