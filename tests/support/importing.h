// importing - a collector, and what `zpulse import` and `zpulse export` say of it.

#ifndef TESTS_SUPPORT_IMPORTING_H
#define TESTS_SUPPORT_IMPORTING_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/xalloc.h"
#include "tests/support/stage.h"

// The instances that these tests import.
#define OURS "{instance=~\"(web|db)-.*\"}"

// The whole of what a command says on standard output, for free(). It ends with `code`.
static inline char *
importing_said(stage_t *s, int code, process_t *of)
{
    char *text;

    claim(s, process_ended(of, stage_ms(4 * STAGE_PATIENCE_MS)));
    claim(s, process_code(of) == code);
    text = strdup(process_out(of));
    claim(s, text != NULL);
    stage_drop(s, &of);
    return text;
}

static inline char *
importing_export(stage_t *s, const char *form, const char *match)
{
    return importing_said(s, 0,
                          stage_run(s, "zpulse", "export", "--collector", stage_endpoint(s), "-o",
                                    form, match, NULL));
}

static inline process_t *
importing_import(stage_t *s, const char *path)
{
    return stage_run(s, "zpulse", "import", "--collector", stage_endpoint(s), path, NULL);
}

static inline void
importing_imported(stage_t *s, const char *path, const char *says)
{
    char *said = importing_said(s, 0, importing_import(s, path));

    if (strstr(said, says) == NULL)
        fprintf(stderr, "it says: %sand not: %s\n", said, says);
    claim(s, strstr(said, says) != NULL);
    free(said);
}

// A collector with nothing in it.
static inline process_t *
importing_collector(stage_t *s, const char *name)
{
    char dir[512];

    snprintf(dir, sizeof dir, "%s/%s", stage_dir(s), name);
    return stage_collector(s, "--data", dir, "--keep", "0", NULL);
}

static inline void
importing_claim_same(stage_t *s, const char *a, const char *b)
{
    if (strcmp(a, b) != 0)
        fprintf(stderr, "--- one\n%.2000s\n--- the other\n%.2000s\n", a, b);
    claim(s, strcmp(a, b) == 0);
}

static inline int
importing_compare(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}

// The lines of a text in an order of their own.
static inline char **
importing_lines(char *text, size_t *n_ret)
{
    size_t n = 0, size = 1024;
    char **at = xcalloc(size, sizeof *at);
    char *rest = NULL;

    for (char *line = strtok_r(text, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        if (n == size)
            at = xrealloc(at, size *= 2, sizeof *at);
        at[n++] = line;
    }
    qsort(at, n, sizeof *at, importing_compare);
    *n_ret = n;
    return at;
}

static inline char *
importing_content(stage_t *s, const char *path)
{
    FILE *f = fopen(path, "r");
    char *text;
    long n;

    claim(s, f != NULL && fseek(f, 0, SEEK_END) == 0 && (n = ftell(f)) > 0);
    rewind(f);
    text = malloc((size_t) n + 1);
    claim(s, text != NULL && fread(text, 1, (size_t) n, f) == (size_t) n);
    text[n] = '\0';
    fclose(f);
    return text;
}

#endif
