// proc_text - see the header.

#include "agent/proc/proc_text.h"

#include <string.h>

#include "shared/base/err.h"

bool
proc_text_line(struct proc_text *text, struct proc_text *line)
{
    const size_t left = proc_text_len(text);
    const char *eol = left == 0 ? NULL : memchr(text->at, '\n', left);

    if (eol == NULL)
        return false;
    *line = (struct proc_text){ .at = text->at, .end = eol };
    text->at = eol + 1;
    return true;
}

static bool
s_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct proc_text
proc_text_word(struct proc_text *line)
{
    struct proc_text word;

    while (line->at < line->end && s_is_blank(*line->at))
        line->at++;
    word.at = line->at;
    while (line->at < line->end && !s_is_blank(*line->at))
        line->at++;
    word.end = line->at;
    return word;
}

// One pass, since numbers are most of what there is to read: 18 digits cannot overflow, and more
// than that are checked.
int
proc_text_int(struct proc_text *line, int64_t *ret)
{
    const char *c = line->at;
    const char *first;
    uint64_t value = 0;

    while (c < line->end && s_is_blank(*c))
        c++;
    first = c;
    for (; c < line->end && (uint8_t) (*c - '0') <= 9; c++) {
        const uint8_t digit = (uint8_t) (*c - '0');

        if (c - first >= 18 && value > ((uint64_t) INT64_MAX - digit) / 10)
            return ERR_FORMAT;
        value = value * 10 + digit;
    }
    if (c < line->end && !s_is_blank(*c))
        return ERR_FORMAT;
    line->at = c;
    if (c == first)
        return 0;
    *ret = (int64_t) value;
    return 1;
}

bool
proc_text_is(const struct proc_text *text, const char *word)
{
    const size_t len = strlen(word);

    return proc_text_len(text) == len && memcmp(text->at, word, len) == 0;
}
