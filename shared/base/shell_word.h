// shell_word - a text as one word of a command that somebody pastes into a shell.
//
// In:     any text without NUL.
// Out:    the same in single quotes, where it has anything but letters, digits and a few marks that
//         mean nothing to a shell.
// Thread: any; pure.
// Source: POSIX.1-2017, Shell Command Language, 2.2.2.

#ifndef SHARED_BASE_SHELL_WORD_H
#define SHARED_BASE_SHELL_WORD_H

#include "shared/base/buf.h"

void shell_word_put(struct buf *out, const char *text);

#endif
