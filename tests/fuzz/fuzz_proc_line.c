// fuzz_proc_line - any text as one of the files of one line: file-nr, clock sources, uname,
// loadavg.

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "agent/proc/filefd.h"
#include "agent/proc/processes.h"
#include "agent/proc/uname.h"
#include "agent/proc/wall_clock.h"
#include "shared/base/err.h"
#include "tests/fuzz/proc_tick.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char names[CLOCK_SOURCES_MAX][CLOCK_NAME_SIZE];
    struct filefd files;
    int64_t threads;
    int rc = filefd_parse(&files, (const char *) data, size);

    assert(rc == ERR_FORMAT || (rc == 0 && files.allocated >= 0 && files.maximum >= 0));
    rc = processes_parse_threads(&threads, (const char *) data, size);
    assert(rc == ERR_FORMAT || (rc == 0 && threads >= 0));
    rc = clock_sources_parse(names, (const char *) data, size);
    assert(rc == ERR_FORMAT || (rc >= 0 && rc <= CLOCK_SOURCES_MAX));
    proc_tick_twice(&filefd_family, 0, data, size);
    for (size_t file = 0; file < 5; file++)
        proc_tick_twice(&uname_family, file, data, size);
    return 0;
}
