// proc_text - walk over the lines and numbers of a kernel file.
//
// A line counts only with its newline: what a short read has cut off is never taken for a number.
// Blanks are spaces and tabs. Nothing here allocates or copies.

#ifndef AGENT_PROC_PROC_TEXT_H
#define AGENT_PROC_PROC_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A stretch of text; what was read is taken off its front.
struct proc_text {
    const char *at;
    const char *end;
};

static inline struct proc_text
proc_text(const char *text, size_t len)
{
    return (struct proc_text){ .at = text, .end = text + len };
}

static inline size_t
proc_text_len(const struct proc_text *text)
{
    return (size_t) (text->end - text->at);
}

// The next whole line, without its newline; false if there is none.
bool proc_text_line(struct proc_text *text, struct proc_text *line);
// The next word; empty at the end.
struct proc_text proc_text_word(struct proc_text *line);
// The next word as a number of at most INT64_MAX. 1, 0 at the end of the line, or ERR_FORMAT.
int proc_text_int(struct proc_text *line, int64_t *ret);
bool proc_text_is(const struct proc_text *text, const char *word);

#endif
