// disk_shim - a disk that fails, as a file says; preloaded into the program.
//
// In:     $DISK_SHIM names a file of 8 bytes: an int64_t of this machine, a value of enum
//         program_disk. It is mapped, so a change is there that very moment.
// Out:    fdatasync, fsync or pwrite of the program fail with EIO, for files below a folder that
//         is called spool or journal. All else goes on: the rest of the disk is well.
// Thread: any.

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NO_SYNC  1 // as enum program_disk has it
#define NO_WRITE 2

static const volatile int64_t *s_is; // NULL: no file

__attribute__((constructor)) static void
s_open(void)
{
    const char *path = getenv("DISK_SHIM");
    const int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *at;

    if (fd == -1)
        return;
    at = mmap(NULL, sizeof *s_is, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (at != MAP_FAILED)
        s_is = at;
}

static bool
s_fails(int fd, int64_t how)
{
    char link[64], path[4096];
    ssize_t n;

    if (s_is == NULL || *s_is != how)
        return false;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    n = readlink(link, path, sizeof path - 1);
    if (n <= 0)
        return false;
    path[n] = '\0';
    return strstr(path, "/spool/") != NULL || strstr(path, "/journal/") != NULL;
}

static int
s_sync(int fd, long call)
{
    if (s_fails(fd, NO_SYNC)) {
        errno = EIO;
        return -1;
    }
    return (int) syscall(call, fd);
}

int
fdatasync(int fd)
{
    return s_sync(fd, SYS_fdatasync);
}

int
fsync(int fd)
{
    return s_sync(fd, SYS_fsync);
}

ssize_t
pwrite(int fd, const void *at, size_t n, off_t place)
{
    if (s_fails(fd, NO_WRITE)) {
        errno = EIO;
        return -1;
    }
    return syscall(SYS_pwrite64, fd, at, n, place);
}
