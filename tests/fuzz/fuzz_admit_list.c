// fuzz_admit_list - the text of who is let in. What is taken are names and roles that there are.

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "shared/net/admit_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
    struct admit_list list;
    size_t line;

    if (admit_list_parse(&list, &line, (const char *) at, n) < 0) {
        if (list.n != 0 || line == 0 || line > n)
            abort();
        return 0;
    }
    for (size_t i = 0; i < list.n; i++) {
        const struct admit_entry *entry = &list.at[i];

        if (!enrol_name_ok(entry->name, strlen(entry->name)) ||
            strcmp(key_role_str((uint8_t) entry->role), "unknown") == 0)
            abort();
    }
    admit_list_release(&list);
    return 0;
}
