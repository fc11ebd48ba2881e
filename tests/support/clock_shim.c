// clock_shim - CLOCK_REALTIME moved by as much as a file says; preloaded into the program.
//
// In:     $CLOCK_SHIM names a file of 8 bytes: milliseconds to be added, an int64_t of this
//         machine. It is mapped, so a change is a step of the clock that very moment.
// Out:    clock_gettime, gettimeofday and time of the program and its libraries. Other clocks, and
//         the kernel's timers, go on as they are: as with a step by settimeofday.
// Thread: any.

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S  INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)

static const volatile int64_t *s_offset_ms; // NULL: no file

__attribute__((constructor)) static void
s_open(void)
{
    const char *path = getenv("CLOCK_SHIM");
    const int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *at;

    if (fd == -1)
        return;
    at = mmap(NULL, sizeof *s_offset_ms, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (at != MAP_FAILED)
        s_offset_ms = at;
}

int
clock_gettime(clockid_t id, struct timespec *ret)
{
    const long rc = syscall(SYS_clock_gettime, id, ret);

    if (rc == 0 && s_offset_ms != NULL && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) {
        const int64_t ns = (int64_t) ret->tv_sec * NS_PER_S + ret->tv_nsec +
                           *s_offset_ms * NS_PER_MS;

        ret->tv_sec = (time_t) (ns / NS_PER_S);
        ret->tv_nsec = (long) (ns % NS_PER_S);
    }
    return (int) rc;
}

int
gettimeofday(struct timeval *restrict ret, void *restrict zone)
{
    struct timespec now;
    const int rc = clock_gettime(CLOCK_REALTIME, &now);

    (void) zone;
    ret->tv_sec = now.tv_sec;
    ret->tv_usec = (suseconds_t) (now.tv_nsec / 1000);
    return rc;
}

time_t
time(time_t *ret)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    if (ret != NULL)
        *ret = now.tv_sec;
    return now.tv_sec;
}
