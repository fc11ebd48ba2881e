// store_names - what may lie in the folder of a store while nobody has it open.

#ifndef TESTS_SUPPORT_STORE_NAMES_H
#define TESTS_SUPPORT_STORE_NAMES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <regex.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define STORE_NAMES \
    "^(meta\\.db|events\\.db|raw-[0-7]-[0-9]{8}\\.db)(\\.damaged[0-9]*)?(-wal|-shm|-journal)?$"

// Only names that are known, and beside files only what is theirs. How many were set aside; 0 where
// there is no folder. Fails the test.
static inline unsigned
store_names_check(const char *dir)
{
    DIR *folder = opendir(dir);
    unsigned aside = 0;
    regex_t known;

    if (folder == NULL) // nothing was stored yet
        return 0;
    assert_int_equal(regcomp(&known, STORE_NAMES, REG_EXTENDED), 0);
    for (const struct dirent *e; (e = readdir(folder)) != NULL;) {
        regmatch_t part[4];
        char path[600];
        bool beside;

        if (e->d_name[0] == '.')
            continue;
        if (regexec(&known, e->d_name, 4, part, 0) != 0)
            fail_msg("%s/%s is no name of the store's", dir, e->d_name);
        beside = part[3].rm_so != -1;
        snprintf(path, sizeof path, "%s/%.*s", dir,
                 beside ? (int) part[3].rm_so : (int) strlen(e->d_name), e->d_name);
        if (access(path, F_OK) != 0)
            fail_msg("%s/%s is beside no file", dir, e->d_name);
        aside += part[2].rm_so != -1 && !beside;
    }
    regfree(&known);
    closedir(folder);
    return aside;
}

#endif
