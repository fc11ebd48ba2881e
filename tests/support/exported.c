// exported - see the header.

#include "tests/support/exported.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define ANSWER_MS 120000 // to write something more, of hundreds of series, on a busy machine
#define HEAD      "time_ms,series,value\n"
#define INSTANCE  "instance=\"\"" // quotes are doubled in CSV
#define STALE     "-NaN"
#define THE_END   "4102444800" // 2100: clocks of a test may be ahead

// One line; false: it is not TIME,"SERIES",VALUE.
static bool
s_take(host_samples_t *all, const char *at, int64_t from_ms)
{
    struct sample sample;
    const char *host = strstr(at, INSTANCE);
    const char *host_end, *value;
    char name[64] = "", *behind;

    sample.time_ms = strtoll(at, &behind, 10);
    if (behind == at || strncmp(behind, ",\"", 2) != 0)
        return false;
    if (host != NULL) {
        host += strlen(INSTANCE);
        host_end = strstr(host, "\"\"");
        if (host_end == NULL || host_end - host >= (ptrdiff_t) sizeof name)
            return false;
        memcpy(name, host, (size_t) (host_end - host));
    }
    value = strrchr(at, ',');
    if (value[-1] != '"')
        return false;
    if (strcmp(value + 1, STALE) == 0) {
        sample.value = sample_from_bits(SAMPLE_STALE_BITS);
    } else {
        sample.value = strtod(value + 1, &behind);
        if (behind == value + 1 || *behind != '\0')
            return false;
    }
    if (sample.time_ms >= from_ms)
        host_samples_add(all, name, &sample, 1);
    return true;
}

// Line by line: there may be a thousand megabytes of them.
static host_samples_t *
s_read(const char *path, int64_t from_ms)
{
    FILE *file = fopen(path, "r");
    host_samples_t *all = NULL;
    char *line = NULL;
    size_t size = 0;
    ssize_t n = file != NULL ? getline(&line, &size, file) : -1;

    if (n == -1 || strcmp(line, HEAD) != 0)
        fprintf(stderr, "export does not begin with %s", HEAD);
    else
        all = host_samples_new();
    while (all != NULL && (n = getline(&line, &size, file)) != -1) {
        // The last one has its end too.
        const bool whole = line[n - 1] == '\n';

        line[n - whole] = '\0';
        if (whole && s_take(all, line, from_ms))
            continue;
        fprintf(stderr, "export has a line that is none: %.100s\n", line);
        host_samples_destroy(&all);
    }
    free(line);
    if (file != NULL)
        fclose(file);
    return all;
}

// While it writes, it is waited for: there is no telling how much is held.
static bool
s_ends(process_t *p)
{
    struct stat is = { .st_size = 0 };
    off_t before = -1;

    while (before < is.st_size) {
        before = is.st_size;
        if (process_ended(p, stage_ms(ANSWER_MS)))
            return true;
        (void) stat(process_out_path(p), &is);
    }
    return false;
}

host_samples_t *
exported_run(stage_t *stage, const char *match, int64_t from_ms)
{
    return exported_said(stage, match, from_ms, NULL, 0);
}

host_samples_t *
exported_said(stage_t *stage, const char *match, int64_t from_ms, char *said, size_t size)
{
    host_samples_t *all = NULL;
    char start[32];
    process_t *p;

    snprintf(start, sizeof start, "%" PRId64, from_ms > 0 ? from_ms / 1000 : 0);
    p = stage_run(stage, "zpulse", "export", "--collector", stage_endpoint(stage), "-o", "csv",
                  "--start", start, "--end", THE_END, match, NULL);
    if (s_ends(p) && process_code(p) == 0)
        all = s_read(process_out_path(p), from_ms);
    else
        fprintf(stderr, "no export of %s: code %d: %s", match, process_code(p), process_err(p));
    if (said != NULL)
        snprintf(said, size, "%s", process_err(p));
    stage_drop(stage, &p);
    return all;
}
