// sqlite_aside - takes a SQLite file from under its name: what is damaged is kept, and read by
// nobody.
//
// Out:    NAME.damaged, or .damaged2 and so on where that is taken, with what SQLite keeps beside
//         it under names to match.
// Thread: that of the file's writer; nobody has the file open.
// Source: collector/store/FORMAT.md, "Files".

#ifndef COLLECTOR_STORE_SQLITE_ASIDE_H
#define COLLECTOR_STORE_SQLITE_ASIDE_H

// 0; -EEXIST: there are a hundred of them already; or -errno. The new names are on the disk.
int sqlite_set_aside(const char *path);

#endif
