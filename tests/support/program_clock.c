// program_clock - see the header.

#include "tests/support/program_clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <fcntl.h>
#include <unistd.h>

static void
s_clock_path(char *out, size_t size, const char *dir, const char *name)
{
    snprintf(out, size, "%s/%s.clock", dir, name);
}

void
program_clock_set(const char *dir, const char *name, int64_t offset_ms)
{
    char path[256];
    int fd;

    s_clock_path(path, sizeof path, dir, name);
    // In place: it is mapped by who reads it.
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(pwrite(fd, &offset_ms, sizeof offset_ms, 0), sizeof offset_ms);
    close(fd);
}

void
program_clock_preload(const char *library, const char *dir, const char *name)
{
    char path[256];

    if (library == NULL) {
        unsetenv("LD_PRELOAD");
        unsetenv("CLOCK_SHIM");
        return;
    }
    s_clock_path(path, sizeof path, dir, name);
    setenv("LD_PRELOAD", library, 1);
    setenv("CLOCK_SHIM", path, 1);
}
