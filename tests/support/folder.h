// folder - a folder of a test's own, and its end.

#ifndef TESTS_SUPPORT_FOLDER_H
#define TESTS_SUPPORT_FOLDER_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static inline int
folder_remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void) st;
    (void) type;
    (void) walk;
    return remove(path);
}

// With all that is in it. 0, or -1.
static inline int
folder_remove(const char *path)
{
    return nftw(path, folder_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
