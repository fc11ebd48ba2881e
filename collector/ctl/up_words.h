// up_words - the command lines of what `zpulse up` starts.
//
// In:     its options, where the programs are, and the folders of keys.
// Out:    words, the first of them the program.
// Thread: main.

#ifndef COLLECTOR_CTL_UP_WORDS_H
#define COLLECTOR_CTL_UP_WORDS_H

#include <stddef.h>

#include "collector/ctl/up_keys.h"
#include "shared/net/option.h"

#define UP_WORDS_MAX 32

// In the order of starting; they stop the other way round.
enum up_part { UP_COLLECTOR, UP_DASHBOARD, UP_AGENT, UP_PARTS };
extern const char *const up_part_names[UP_PARTS];

struct up_words {
    char *at[UP_WORDS_MAX + 1]; // ends with NULL
    size_t n;
};

// `keys` is NULL for --insecure. up_words_release.
void up_words_make(struct up_words *ret, const options_t *options, const char *folder,
                   enum up_part part, const struct up_keys_options *keys);
void up_words_release(struct up_words *self);

#endif
