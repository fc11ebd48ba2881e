// segment_files - the folder of a segment log: which files there are, and how they come and go.
//
// In:     a folder.
// Out:    files of full size, ready to be written, under rising numbers.
// Files:  NUMBER.seg, 16 hex digits; spare.N, one digit; .spare, one being made. Others are left
//         alone and counted.
// Order:  a header is durable before its file has a number, and a file has lost its old number for
//         good before it is given a new header: so a number always names the life that it says.
// Thread: one owner. Part of segment_log; segment_files_after alone is for others.

#ifndef SHARED_BASE_SEGMENT_FILES_H
#define SHARED_BASE_SEGMENT_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/segment.h"

#define SEGMENT_SPARES_MAX 8
#define SEGMENT_NAME_SIZE  32
// Numbers above are nobody's: the next one must always be there to be had.
#define SEGMENT_NUMBER_MAX (UINT64_MAX / 2)

struct segment_file {
    uint64_t number;
    uint64_t bytes; // size of the file
};

struct segment_files {
    int dir_fd;
    uint32_t segment_bytes;
    unsigned spares_wanted;
    bool spares[SEGMENT_SPARES_MAX]; // spare.N is there
    struct segment_file *at;         // rising by number; ours
    size_t n;
    size_t size;      // allocated
    uint64_t foreign; // files that are none of ours
    bool moved;       // a segment became a spare, and the folder was not synced since
};

// The folder is made where it is missing, not the one above it. 0 or -errno; `self` is to be
// released in either case.
int segment_files_open(struct segment_files *self, const char *dir, uint32_t segment_bytes,
                       unsigned spares);
void segment_files_release(struct segment_files *self);

// 0 if a spare is there, or could be made; or -errno, -ENOSPC where there is no room for one.
int segment_files_ready(struct segment_files *self);
// Makes spares, as many as are wanted and there is room for. True: they are all there.
bool segment_files_refill(struct segment_files *self);
// A spare becomes the segment of this header, which has the highest number: 0 and its descriptor
// in *fd_ret, the caller's; or -errno, and what was there is as it was.
int segment_files_begin(struct segment_files *self, const struct segment_header *header,
                        int *fd_ret);
// 0 and a descriptor, or -errno.
int segment_files_fd(const struct segment_files *self, uint64_t number, int *fd_ret);
// Gives back the room behind `end` of a segment that nothing more is written to.
void segment_files_shrink(struct segment_files *self, uint64_t number, uint32_t end);
// Forgets a segment: it becomes a spare where one is wanted. 0, ERR_UNKNOWN, or -errno of a file
// that could not be removed.
int segment_files_drop(struct segment_files *self, uint64_t number);
uint64_t segment_files_bytes(const struct segment_files *self); // on disk, spares too

void segment_name(char out[SEGMENT_NAME_SIZE], uint64_t number);
// The lowest number in the folder that is `number` or more: 0 and *ret, ERR_UNKNOWN if there is
// none, or -errno.
int segment_files_after(int dir_fd, uint64_t number, uint64_t *ret);
// -ENOSPC for any way of the kernel to say that there is no room: a quota, a limit; else `rc`.
int segment_no_room(int rc);

#endif
