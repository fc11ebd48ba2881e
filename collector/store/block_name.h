// block_name - names of block files: raw-C-YYYYMMDD.db, C the class, then the day of UTC.
//
// Thread: any. Pure, but for block_name_list, which reads a folder.

#ifndef COLLECTOR_STORE_BLOCK_NAME_H
#define COLLECTOR_STORE_BLOCK_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BLOCK_CLASSES       8u
#define BLOCK_NAME_SIZE     24u       // of the text and its end
#define BLOCK_PARTITION_MIN (-719162) // 0001-01-01
#define BLOCK_PARTITION_MAX 2932896   // 9999-12-31

struct block_name {
    int64_t partition; // as partition_of
    uint8_t class;     // below BLOCK_CLASSES
};

// Both in range, asserted.
void block_name_text(char ret[BLOCK_NAME_SIZE], const struct block_name *name);
// Whether the text is the name of a block file, to the last character.
bool block_name_parse(struct block_name *ret, const char *text);
// Order of time; in one day, of class. As strcmp.
int block_name_compare(const struct block_name *a, const struct block_name *b);
// The block files of the folder in that order, *ret to be freed; their number, or -errno.
ptrdiff_t block_name_list(struct block_name **ret, const char *dir);

#endif
