// admit_list - whose keys come in without a token: a text file beside the collector's key.
//
// In:     `dir`/admit, lines "ROLE NAME KEY": agent, dashboard or operator, what the key is called,
//         and its 40 characters; lines that begin with '#' are for people.
// Out:    its entries in their order; or one line that names the file, its line and the rule.
// Trust:  whoever may write that folder has the collector's secret key anyway. So the file is ours
//         or root's, and nobody else may write it.
// Limits: ADMIT_LIST_MOST entries.
// Thread: any; it keeps nothing.

#ifndef SHARED_NET_ADMIT_LIST_H
#define SHARED_NET_ADMIT_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "shared/base/buf.h"
#include "shared/net/key_file.h"
#include "shared/wire/enrol.h"

#define ADMIT_LIST_FILE "admit"
#define ADMIT_LIST_MOST 65536

struct admit_entry {
    uint8_t key[KEY_BYTES];
    enum key_role role;
    char name[ENROL_NAME_MAX + 1];
};

// Entries are its own; admit_list_release.
struct admit_list {
    struct admit_entry *at;
    size_t n;
    size_t room; // of `at`
};

// Pure. 0; ERR_FORMAT or ERR_LIMIT, and *line_ret is the number of the line, from 1.
int admit_list_parse(struct admit_list *ret, size_t *line_ret, const char *text, size_t len);
// 0, also where there is no such file; -EPERM: a rule is broken; ERR_FORMAT; ERR_LIMIT; or another
// -errno. But for 0 `why` has the line.
int admit_list_load(struct admit_list *ret, const char *dir, struct buf *why);
void admit_list_release(struct admit_list *self);
// Each of the entries has its line, which takes the place of another one of its name; all other
// lines stay. Written at once and whole, and only where something is new. 0, or as
// admit_list_load.
int admit_list_set(const char *dir, const struct admit_entry *entries, size_t n, struct buf *why);

#endif
