// block_name - see the header.

#include "collector/store/block_name.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shared/base/xalloc.h"

#define DAY_S 86400

static int s_compare(const void *a, const void *b);

void
block_name_text(char ret[BLOCK_NAME_SIZE], const struct block_name *name)
{
    const time_t at = (time_t) name->partition * DAY_S;
    struct tm day;

    assert(name->class < BLOCK_CLASSES);
    assert(name->partition >= BLOCK_PARTITION_MIN && name->partition <= BLOCK_PARTITION_MAX);
    gmtime_r(&at, &day);
    // Remainders tell the compiler how long it can get.
    snprintf(ret, BLOCK_NAME_SIZE, "raw-%u-%04u%02u%02u.db", name->class % BLOCK_CLASSES,
             (unsigned) (day.tm_year + 1900) % 10000u, (unsigned) (day.tm_mon + 1) % 100u,
             (unsigned) day.tm_mday % 100u);
}

bool
block_name_parse(struct block_name *ret, const char *text)
{
    static const char shape[] = "raw-#-########.db";
    char again[BLOCK_NAME_SIZE];
    unsigned date = 0;
    struct tm day = { 0 };

    if (strlen(text) != sizeof shape - 1)
        return false;
    for (size_t i = 0; i < sizeof shape - 1; i++)
        if (shape[i] == '#' ? text[i] < '0' || text[i] > '9' : text[i] != shape[i])
            return false;
    for (unsigned i = 6; i < 14; i++)
        date = date * 10 + (unsigned) (text[i] - '0');
    ret->class = (uint8_t) (text[4] - '0');
    if (ret->class >= BLOCK_CLASSES || date < 10101)
        return false;
    day.tm_year = (int) (date / 10000) - 1900;
    day.tm_mon = (int) (date / 100 % 100) - 1;
    day.tm_mday = (int) (date % 100);
    ret->partition = (int64_t) (timegm(&day) / DAY_S);
    if (ret->partition < BLOCK_PARTITION_MIN || ret->partition > BLOCK_PARTITION_MAX)
        return false;
    // Days that no month has became another day.
    block_name_text(again, ret);
    return strcmp(again, text) == 0;
}

int
block_name_compare(const struct block_name *a, const struct block_name *b)
{
    if (a->partition != b->partition)
        return a->partition < b->partition ? -1 : 1;
    return a->class - b->class;
}

ptrdiff_t
block_name_list(struct block_name **ret, const char *dir)
{
    DIR *folder = opendir(dir);
    struct block_name *list = NULL;
    struct block_name name;
    const struct dirent *entry;
    size_t n = 0;
    size_t size = 0;
    int rc;

    if (folder == NULL)
        return -errno;
    while (errno = 0, (entry = readdir(folder)) != NULL) {
        if (!block_name_parse(&name, entry->d_name))
            continue;
        if (n == size) {
            size = size > 0 ? size * 2 : 64;
            list = xrealloc(list, size, sizeof *list);
        }
        list[n++] = name;
    }
    rc = -errno;
    closedir(folder);
    if (rc < 0) {
        free(list);
        return rc;
    }
    if (n > 0)
        qsort(list, n, sizeof *list, s_compare);
    *ret = list;
    return (ptrdiff_t) n;
}

static int
s_compare(const void *a, const void *b)
{
    return block_name_compare(a, b);
}
