// fixture - files of tests/data/proc.

#ifndef TESTS_UNIT_AGENT_FIXTURE_H
#define TESTS_UNIT_AGENT_FIXTURE_H

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/buf.h"
#include "shared/base/file.h"
#include "tests/support/exactly.h"

// tests/data/proc/ROOT/proc/FILE; the caller releases it.
static inline struct buf
fixture(const char *root, const char *file)
{
    struct buf path = { 0 }, text = { 0 };

    buf_printf(&path, "tests/data/proc/%s/proc/%s", root, file);
    assert_true(file_read(&text, AT_FDCWD, buf_cstr(&path), 1 << 20) > 0);
    buf_release(&path);
    return text;
}

#endif
