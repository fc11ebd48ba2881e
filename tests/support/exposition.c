// exposition - line by line; a set of series keys finds doubles.

#include "tests/support/exposition.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/map.h"

#define NAME_SIZE 160

static size_t
s_name(const char *at)
{
    size_t n = 0;

    while (isalnum((unsigned char) at[n]) || at[n] == '_' || at[n] == ':')
        n++;
    return isdigit((unsigned char) at[0]) ? 0 : n;
}

// Past {name="value",...}, or NULL. `at` stands on the brace.
static const char *
s_labels(const char *at, const char *end)
{
    at++;
    while (at < end && *at != '}') {
        const size_t n = s_name(at);

        if (n == 0 || at[n] != '=' || at[n + 1] != '"')
            return NULL;
        for (at += n + 2; at < end && *at != '"'; at++)
            if (*at == '\\')
                at++;
        if (at >= end)
            return NULL;
        at++;
        if (*at == ',')
            at++;
    }
    return at < end ? at + 1 : NULL;
}

// Past a number and, perhaps, a time; true if the line ends there.
static bool
s_number(const char *at, const char *end)
{
    char *rest;

    if (*at++ != ' ')
        return false;
    strtod(at, &rest);
    if (rest == at)
        return false;
    if (*rest == ' ')
        strtoll(rest, &rest, 10);
    return rest == end;
}

static bool
s_sample(const char *line, const char *end, const char *typed, map_t *seen)
{
    const size_t n = s_name(line);
    const char *at = line + n;

    if (n == 0 || strlen(typed) != n || strncmp(line, typed, n) != 0)
        return false;
    if (*at == '{')
        at = s_labels(at, end);
    if (at == NULL || map_put(seen, line, (size_t) (at - line), seen) != NULL)
        return false;
    return s_number(at, end);
}

const char *
exposition_fault(const char *text, char *fault, size_t size)
{
    map_t *series = map_new(), *types = map_new();
    char typed[NAME_SIZE] = "";
    const char *ret = NULL;

    for (const char *line = text, *end; ret == NULL && *line != '\0'; line = end + 1) {
        bool ok = true;

        end = strchr(line, '\n');
        if (end == NULL) {
            snprintf(fault, size, "no line feed at the end: %s", line);
            ret = fault;
            break;
        }
        if (sscanf(line, "# TYPE %159s", typed) == 1)
            ok = map_put(types, typed, strlen(typed), types) == NULL;
        else if (line[0] != '#' && end != line)
            ok = s_sample(line, end, typed, series);
        if (!ok) {
            snprintf(fault, size, "%.*s", (int) (end - line), line);
            ret = fault;
        }
    }
    map_destroy(&series);
    map_destroy(&types);
    return ret;
}

unsigned
exposition_samples(const char *text)
{
    unsigned n = 0;

    for (const char *line = text; line != NULL && *line != '\0'; line = strchr(line, '\n')) {
        line += line[0] == '\n';
        n += line[0] != '#' && line[0] != '\0' && line[0] != '\n';
    }
    return n;
}

// Whether each pair of `want` ("{a="b",c="d"}", or "" ) is among those of the line.
static bool
s_has_labels(const char *labels, size_t len, const char *want)
{
    char pair[NAME_SIZE];

    while (*want == '{' || *want == ',') {
        const size_t n = strcspn(++want, ",}");

        snprintf(pair, sizeof pair, "%.*s", (int) n, want);
        if (memmem(labels, len, pair, strlen(pair)) == NULL)
            return false;
        want += n;
    }
    return true;
}

double
exposition_value(const char *text, const char *series)
{
    const size_t n = strcspn(series, "{");

    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        const char *end, *at;

        line += line[0] == '\n';
        end = line + strcspn(line, "\n");
        at = line + n;
        if (strncmp(line, series, n) != 0 || (*at != ' ' && *at != '{'))
            continue;
        if (*at == '{')
            at = s_labels(at, end);
        if (at != NULL && s_has_labels(line + n, (size_t) (at - line) - n, series + n))
            return strtod(at, NULL);
    }
    return (double) NAN;
}
