// program_shim - see the header.

#include "tests/support/program_shim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define ASAN "ASAN_OPTIONS"

const char *
program_shim_find(const char *name)
{
    static char found[4096];
    const char *build = getenv("BUILD_DIR");
    char path[512];

    snprintf(path, sizeof path, "%s/tests/support/%s.so", build != NULL ? build : "build", name);
    assert_non_null(realpath(path, found));
    return found;
}

// In place: it is mapped by who reads it.
static void
s_put(const char *dir, const char *name, const char *kind, int64_t value)
{
    char path[256];
    int fd;

    snprintf(path, sizeof path, "%s/%s.%s", dir, name, kind);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(pwrite(fd, &value, sizeof value, 0), sizeof value);
    close(fd);
}

void
program_shim_clock(const char *dir, const char *name, int64_t offset_ms)
{
    s_put(dir, name, "clock", offset_ms);
}

void
program_shim_disk(const char *dir, const char *name, enum program_disk is)
{
    s_put(dir, name, "disk", is);
}

void
program_shim_zap(const char *dir, const char *name)
{
    s_put(dir, name, "zap", 1);
}

// A sanitizer wants to be the first library of a program, unless it is told that this is well.
static void
s_allow(void)
{
    static const char word[] = "verify_asan_link_order=0";
    const char *old = getenv(ASAN);
    char words[512];

    if (old != NULL && strstr(old, word) != NULL)
        return;
    snprintf(words, sizeof words, "%s%s%s", old != NULL ? old : "", old != NULL ? ":" : "", word);
    setenv(ASAN, words, 1);
}

void
program_shim_preload(const char *library, const char *dir, const char *name)
{
    static const char *const kinds[][2] = { { "CLOCK_SHIM", "clock" },
                                            { "DISK_SHIM", "disk" },
                                            { "ZAP_SHIM", "zap" } };

    if (library == NULL) {
        unsetenv("LD_PRELOAD");
        return;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        char path[256];

        snprintf(path, sizeof path, "%s/%s.%s", dir, name, kinds[i][1]);
        setenv(kinds[i][0], path, 1);
    }
    s_allow();
    setenv("LD_PRELOAD", library, 1);
}
