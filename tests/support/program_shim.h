// program_shim - the wall clock, the disk, the resolver and the ZAP thread of a real program, in
// the hand of the test. See clock_shim.c, disk_shim.c, name_shim.c and zap_shim.c: libraries that
// are preloaded, so that the program is the one we ship.
//
// Thread: one owner, and nobody else reads the environment meanwhile.

#ifndef TESTS_SUPPORT_PROGRAM_SHIM_H
#define TESTS_SUPPORT_PROGRAM_SHIM_H

#include <stdint.h>

#define PROGRAM_SHIM_CLOCK "clock_shim"
#define PROGRAM_SHIM_DISK  "disk_shim"
#define PROGRAM_SHIM_NAME  "name_shim"
#define PROGRAM_SHIM_ZAP   "zap_shim"

// What fails with EIO on files of a spool or a journal.
enum program_disk {
    PROGRAM_DISK_WELL,
    PROGRAM_DISK_NO_SYNC,  // fdatasync and fsync
    PROGRAM_DISK_NO_WRITE, // pwrite
};

// The path of the built library, ours until the next call; it fails the test where there is none.
const char *program_shim_find(const char *name);
// The clock in the file DIR/NAME.clock is so far from the true one, from this moment on.
void program_shim_clock(const char *dir, const char *name, int64_t offset_ms);
// The disk of DIR/NAME.disk is like this from this moment on.
void program_shim_disk(const char *dir, const char *name, enum program_disk is);
// The thread that answers ZAP fails after its next answer.
void program_shim_zap(const char *dir, const char *name);
// What is started until the next call has the library, with DIR/NAME.clock, .disk and .zap;
// NULL: none.
void program_shim_preload(const char *library, const char *dir, const char *name);

#endif
