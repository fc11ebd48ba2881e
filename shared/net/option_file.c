// option_file - settings from a ZPL file (RFC 4/ZPL), one a line: name = value.
//
// czmq's zconfig reads it, and rejects a whole file for one bad line with a message on stdout that
// names no file; it also breaks lines after 1,024 bytes and takes "# ..." for a value. So every
// line is checked here first, and zconfig sees only what it will take. There are no levels yet: a
// setting that is indented is an error.

#include <ctype.h>
#include <czmq.h>
#include <fcntl.h>
#include <string.h>

#include "shared/base/err.h"
#include "shared/base/file.h"
#include "shared/net/option_inner.h"

#define LINE_MAX_BYTES 1000 // czmq cuts at 1,024

static const char *s_line_fault(const char *line, size_t len);
static const char *s_value_fault(const char *at, const char *end);
static int s_check_lines(const options_t *self, const char *path, const struct buf *text);
static int s_take_keys(options_t *self, const char *path, zconfig_t *root);
static int s_take_key(options_t *self, const char *path, zconfig_t *root, zconfig_t *item);

int
option_file_load(options_t *self, const char *path)
{
    struct buf text = { 0 };
    zconfig_t *root = NULL;
    ptrdiff_t n = file_read(&text, AT_FDCWD, path, OPTION_FILE_MAX);
    int rc = ERR_FORMAT;

    if (n < 0) {
        option_complain(self, "%s: %s", path, err_str((int) n));
        goto out;
    }
    if (s_check_lines(self, path, &text) < 0)
        goto out;
    zsys_handler_set(NULL); // czmq would take SIGINT and SIGTERM for itself
    root = zconfig_str_load(buf_cstr(&text));
    if (root == NULL) {
        option_complain(self, "%s: not ZPL: lines are name = value, indented by 4 spaces a level",
                        path);
        goto out;
    }
    rc = s_take_keys(self, path, root);
out:
    zconfig_destroy(&root);
    buf_release(&text);
    return rc;
}

// All lines are looked at, so that a person mends the file once.
static int
s_check_lines(const options_t *self, const char *path, const struct buf *text)
{
    const char *at = (const char *) text->at, *end = at + text->len;
    unsigned number = 0;
    int rc = 0;

    while (at < end) {
        const char *eol = memchr(at, '\n', (size_t) (end - at));
        const size_t len = (size_t) ((eol != NULL ? eol : end) - at);
        const char *fault = s_line_fault(at, len);

        number++;
        if (fault != NULL) {
            option_complain(self, "%s:%u: %s", path, number, fault);
            rc = ERR_FORMAT;
        }
        at += len + 1;
    }
    return rc;
}

// What is wrong with the line, or NULL.
static const char *
s_line_fault(const char *line, size_t len)
{
    const char *at = line, *end = line + len;

    if (len > LINE_MAX_BYTES)
        return "a line of more than 1,000 bytes";
    if (memchr(line, '\0', len) != NULL)
        return "a NUL byte: not a text file";
    while (end > at && isspace((unsigned char) end[-1]))
        end--;
    if (at == end)
        return NULL;
    if (isspace((unsigned char) *at))
        return "indented: ZPL indents by 4 spaces a level, and all settings are at the first";
    if (*at == '#')
        return NULL;
    while (at < end && (isalnum((unsigned char) *at) || strchr("$-_@.&+/", *at) != NULL))
        at++;
    if (at == line || line[0] == '/' || at[-1] == '/')
        return "not a setting: a line is name = value";
    while (at < end && isspace((unsigned char) *at))
        at++;
    if (at == end || *at == '#')
        return "a name without a value: a line is name = value";
    if (*at != '=')
        return "not a setting: a line is name = value";
    return s_value_fault(at + 1, end);
}

// Behind the '='. Quotes have no escapes: the same one again ends the value.
static const char *
s_value_fault(const char *at, const char *end)
{
    const char *close;

    while (at < end && isspace((unsigned char) *at))
        at++;
    if (at == end)
        return NULL;
    if (*at == '#')
        return "a value that begins with # needs quotes";
    if (*at != '"' && *at != '\'')
        return NULL;
    close = memchr(at + 1, *at, (size_t) (end - at) - 1);
    if (close == NULL)
        return "the quote is not closed";
    for (at = close + 1; at < end && *at != '#'; at++) {
        if (!isspace((unsigned char) *at))
            return "something follows the closing quote";
    }
    return NULL;
}

static int
s_take_keys(options_t *self, const char *path, zconfig_t *root)
{
    int rc = 0;

    for (zconfig_t *item = zconfig_child(root); item != NULL; item = zconfig_next(item)) {
        if (s_take_key(self, path, root, item) < 0)
            rc = ERR_FORMAT;
    }
    return rc;
}

static int
s_take_key(options_t *self, const char *path, zconfig_t *root, zconfig_t *item)
{
    const char *name = zconfig_name(item);
    struct setting *s = option_find(self, name, strlen(name), ORIGIN_FILE);
    struct buf where = { 0 };
    int rc = ERR_FORMAT;

    if (s == NULL) {
        const char *nearest = option_nearest(self, name, ORIGIN_FILE);

        if (nearest != NULL)
            option_complain(self, "%s: %s: no such setting (did you mean %s?)", path, name,
                            nearest);
        else
            option_complain(self, "%s: %s: no such setting", path, name);
        return ERR_FORMAT;
    }
    // zconfig keeps them both and would answer with the first one.
    for (zconfig_t *before = zconfig_child(root); !s->option->list && before != item;
         before = zconfig_next(before)) {
        if (strcmp(zconfig_name(before), name) == 0) {
            option_complain(self, "%s: %s: given twice", path, name);
            return ERR_FORMAT;
        }
    }
    buf_printf(&where, "%s: %s", path, name);
    rc = option_give(self, s, ORIGIN_FILE, buf_cstr(&where), zconfig_value(item));
    buf_release(&where);
    return rc;
}
