// err - what can go wrong that errno has no word for.

#include "shared/base/err.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

// From ERR_FORMAT downwards, in the order of enum err.
static const char *const phrases[] = {
    "not in the expected format",
    "larger than the limit",
    "in use by another process",
    "written by a newer version",
    "not readable without its definition",
    "not known",
    "out of range",
    "closed by the other side",
};
#define N_PHRASES ((int) (sizeof phrases / sizeof phrases[0]))

const char *
err_str(int rc)
{
    static _Thread_local char text[80];
    const char *system = NULL;

    if (rc <= ERR_FORMAT && rc > ERR_FORMAT - N_PHRASES)
        return phrases[ERR_FORMAT - rc];
    if (rc < 0 && rc > ERR_FORMAT)
        system = strerrordesc_np(-rc);
    if (system == NULL) {
        snprintf(text, sizeof text, "error %d", rc);
        return text;
    }
    snprintf(text, sizeof text, "%s", system);
    // The C library's sentences begin with a capital; an acronym ("RFS specific error") keeps it.
    if (islower((unsigned char) text[1]))
        text[0] = (char) tolower((unsigned char) text[0]);
    return text;
}
