// procfloor - what the kernel alone costs an agent: read the files that all its families read each
// second, do nothing else.
//
// usage: procfloor SECONDS
// Out:   one line, `floor_us_per_s=N`: CPU time of the whole process a second, in microseconds,
//        timer and wake-up included. The same files, the same way, the same cadence as the agent:
//        a loop without pauses would find them in the cache and cost a third.

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000L

static const char *const paths[] = {
    "/proc/stat",
    "/proc/meminfo",
    "/proc/loadavg",
    "/proc/vmstat",
    "/proc/pressure/cpu",
    "/proc/pressure/io",
    "/proc/pressure/memory",
    "/proc/pressure/irq",
    "/proc/diskstats",
    "/proc/sys/fs/file-nr",
    "/proc/net/dev",
    "/proc/net/netstat",
    "/proc/net/snmp",
    "/proc/net/snmp6",
    "/proc/net/sockstat",
    "/proc/net/sockstat6",
    "/proc/net/softnet_stat",
};
#define N_PATHS (sizeof paths / sizeof paths[0])

static char bytes[256 * 1024];

// The whole file, as the agent reads it: until a read gives nothing more.
static void
s_read(int fd)
{
    off_t at = 0;
    ssize_t n;

    while ((n = pread(fd, bytes, sizeof bytes, at)) > 0)
        at += n;
}

static double
s_cpu_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double) t.tv_sec * 1e6 + (double) t.tv_nsec / 1e3;
}

int
main(int argc, char **argv)
{
    const int seconds = argc == 2 ? atoi(argv[1]) : 0;
    struct timespec next;
    int fds[N_PATHS];
    double start;

    if (seconds <= 0) {
        fprintf(stderr, "usage: procfloor SECONDS\n");
        return 2;
    }
    for (size_t i = 0; i < N_PATHS; i++) {
        // One that this kernel lacks costs the agent nothing either.
        fds[i] = open(paths[i], O_RDONLY | O_CLOEXEC);
    }
    clock_gettime(CLOCK_MONOTONIC, &next);
    // Half a second off a whole one, where the rest of the machine likes to wake up.
    next.tv_nsec = (next.tv_nsec + NS_PER_S / 2) % NS_PER_S;
    start = s_cpu_us();
    for (int i = 0; i < seconds; i++) {
        next.tv_sec++;
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
        for (size_t f = 0; f < N_PATHS; f++)
            if (fds[f] != -1)
                s_read(fds[f]);
    }
    printf("floor_us_per_s=%.1f\n", (s_cpu_us() - start) / seconds);
    return 0;
}
