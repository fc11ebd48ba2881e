// fuzz_zpl - a file of settings. What --print-config makes of one that is taken is taken as well,
// and says the same.

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shared/net/option.h"

#define PRINTED_MAX (4u << 20) // bytes; a file has 1 MiB, and a comment stands behind each setting

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t n);

static const struct option s_options[] = {
    { .name = "insecure", .type = OPTION_FLAG, .help = "a flag" },
    { .name = "name", .type = OPTION_TEXT, .least = 1, .help = "a text" },
    { .name = "note", .type = OPTION_TEXT, .most = 8, .help = "a short text" },
    { .name = "port-base",
      .type = OPTION_UINT,
      .fallback = "5560",
      .most = 65531,
      .help = "a port" },
    { .name = "interval",
      .type = OPTION_DURATION,
      .fallback = "1s",
      .least = 100,
      .most = 3600000,
      .help = "a time" },
    { .name = "memory",
      .type = OPTION_BYTES,
      .fallback = "32MiB",
      .least = 1,
      .most = 1u << 30,
      .help = "a size" },
    { .name = "collector",
      .type = OPTION_ENDPOINT,
      .list = true,
      .fallback = "tcp://127.0.0.1:5560",
      .help = "endpoints" },
    { .name = "listen",
      .type = OPTION_ADDRESS,
      .fallback = "127.0.0.1:8088",
      .help = "an address" },
    { .name = "output",
      .type = OPTION_CHOICE,
      .fallback = "csv",
      .choices = "csv|json",
      .help = "a choice" },
    { .name = "family", .type = OPTION_TEXT, .list = true, .help = "texts" },
    { .name = "token", .type = OPTION_TEXT, .secret = true, .help = "not written" },
    { 0 },
};

static const struct option_program s_program = {
    .name = "fuzz", .summary = "fuzz", .usage = "fuzz", .options = s_options
};

// What --print-config says of those bytes, without where each setting comes from; NULL: refused.
static char *
s_print(const void *at, size_t n, FILE *nowhere)
{
    char path[40];
    char name[] = "fuzz", config[] = "--config", print[] = "--print-config";
    char *argv[] = { name, config, path, print, NULL };
    char *text = NULL, *kept;
    size_t size = 0, len = 0;
    options_t *options = NULL;
    FILE *out = open_memstream(&text, &size);
    int code = 0, rc, file = memfd_create("settings", MFD_CLOEXEC);

    if (file == -1 || out == NULL || write(file, at, n) != (ssize_t) n)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    rc = options_load(&options, &code, &s_program, 4, argv, out, nowhere);
    fclose(out);
    close(file);
    if (rc == 0) // it is answered, or refused
        abort();
    if (rc < 0) {
        free(text);
        return NULL;
    }
    kept = calloc(size + 1, 1);
    for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        if (line[0] == '#' && strstr(line, "cannot be written") == NULL)
            continue;
        for (char *comment = end; line[0] != '#' && comment > line; comment--)
            if (*comment == '#') {
                *comment = '\0';
                break;
            }
        len += (size_t) snprintf(kept + len, size + 1 - len, "%s\n", line);
    }
    free(text);
    return kept;
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
    static FILE *nowhere;
    char *first, *again;

    if (nowhere == NULL)
        nowhere = fopen("/dev/null", "w");
    first = s_print(at, n, nowhere);
    if (first != NULL && strstr(first, "cannot be written") == NULL &&
        strlen(first) < PRINTED_MAX) {
        again = s_print(first, strlen(first), nowhere);
        if (again == NULL || strcmp(again, first) != 0) {
            fprintf(stderr, "first:\n%sagain:\n%s", first, again != NULL ? again : "(refused)\n");
            abort();
        }
        free(again);
    }
    free(first);
    return 0;
}
