// fuzz_hwmon - any words as names of sensors' files, of devices, and as what stands in such a file;
// and any text as /proc/cpuinfo.

#include <assert.h>
#include <ctype.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/proc/cpu_info.h"
#include "agent/proc/hwmon_name.h"
#include "agent/proc/sysfs.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
s_check_clean(const char *word, size_t most)
{
    const size_t len = strlen(word);

    assert(len < most);
    assert(len == 0 || (word[0] != '_' && word[len - 1] != '_'));
    for (size_t i = 0; i < len; i++)
        assert(islower((uint8_t) word[i]) || isdigit((uint8_t) word[i]) || word[i] == '_' ||
               word[i] == ':');
}

static void
s_name(const char *name)
{
    char word[HWMON_WORD_SIZE], chip[HWMON_CHIP_SIZE];
    struct hwmon_metric metric;
    struct hwmon_file file;

    hwmon_name_clean(word, name, strlen(name));
    s_check_clean(word, sizeof word);
    hwmon_name_chip(chip, name);
    s_check_clean(chip, sizeof chip);
    if (!hwmon_name_split(&file, name))
        return;
    assert(file.property >= name && file.property <= name + strlen(name));
    if (strlen(name) < HWMON_WORD_SIZE && hwmon_name_metric(&metric, &file, name[0] == 'p'))
        assert(strncmp(metric.name, "node_hwmon_", 11) == 0 && metric.help != NULL);
}

static void
s_value(const char *text, size_t size)
{
    int64_t number;
    const int rc = sysfs_number(&number, text, size);

    assert(rc == 0 || rc == ERR_FORMAT);
    if (rc == 0)
        assert(isdigit((uint8_t) text[0]) || text[0] == '-');
}

static void
s_info(const char *text, size_t size)
{
    struct cpu_info info = { 0 };
    const int rc = cpu_info_parse(&info, text, size);

    assert(rc == ERR_FORMAT || (rc > 0 && rc == (int) info.n));
    for (uint32_t i = 0; rc > 0 && i < info.n; i++)
        for (size_t f = 0; f < CPU_INFO_FIELDS; f++) {
            const struct cpu_info_word *word = &info.cpus[i].fields[f];

            assert(word->len <= CPU_INFO_VALUE_MAX);
            assert(word->len == 0 || (word->at >= text && word->at + word->len <= text + size));
        }
    cpu_info_release(&info);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *lines = xstrndup((const char *) data, size);

    for (char *line = lines, *next; line != NULL; line = next) {
        next = strchr(line, '\n');
        if (next != NULL)
            *next++ = '\0';
        s_name(line);
    }
    free(lines);
    s_value((const char *) data, size);
    s_info((const char *) data, size);
    return 0;
}
