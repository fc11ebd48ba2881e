// admit_list - see the header.

#include "shared/net/admit_list.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/err.h"
#include "shared/base/file.h"
#include "shared/base/xalloc.h"

#define FILE_MODE 0600
#define FILE_MOST (32u * 1024 * 1024)
#define ROLE_SIZE 16 // "dashboard" is the longest

static int s_line(struct admit_entry *ret, const char *line, size_t len);
static int s_read(struct buf *into, const char *path, struct buf *why);
static int s_check(int fd, const char *path, struct buf *why);
static void s_keep_others(struct buf *into, const struct buf *text,
                          const struct admit_entry *entries, size_t n);

// The next line of *at, which is moved behind it.
static const char *
s_next(const char **at, const char *end, size_t *len_ret)
{
    const char *line = *at, *stop = memchr(line, '\n', (size_t) (end - line));

    *len_ret = (size_t) ((stop != NULL ? stop : end) - line);
    *at = stop != NULL ? stop + 1 : end;
    return line;
}

int
admit_list_parse(struct admit_list *ret, size_t *line_ret, const char *text, size_t len)
{
    const char *at = text, *const end = text + len;
    int rc = 0;

    *ret = (struct admit_list){ 0 };
    for (*line_ret = 1; at < end && rc == 0; ++*line_ret) {
        size_t n;
        const char *line = s_next(&at, end, &n);

        if (n == 0 || line[0] == '#')
            continue;
        if (ret->n == ret->room) {
            ret->room = ret->room == 0 ? 4 : 2 * ret->room;
            ret->at = xrealloc(ret->at, ret->room, sizeof *ret->at);
        }
        rc = ret->n == ADMIT_LIST_MOST ? ERR_LIMIT : s_line(&ret->at[ret->n], line, n);
        ret->n += rc == 0;
    }
    --*line_ret;
    if (rc < 0)
        admit_list_release(ret);
    return rc;
}

static int
s_line(struct admit_entry *ret, const char *line, size_t len)
{
    const char *const end = line + len, *name, *key;
    const char *space = memchr(line, ' ', len);
    char role[ROLE_SIZE];

    if (space == NULL || (size_t) (space - line) >= sizeof role)
        return ERR_FORMAT;
    memcpy(role, line, (size_t) (space - line));
    role[space - line] = '\0';
    if (strlen(role) != (size_t) (space - line) || key_role_parse(&ret->role, role) < 0)
        return ERR_FORMAT;
    name = space + 1;
    space = memchr(name, ' ', (size_t) (end - name));
    if (space == NULL || !enrol_name_ok(name, (size_t) (space - name)))
        return ERR_FORMAT;
    memcpy(ret->name, name, (size_t) (space - name));
    ret->name[space - name] = '\0';
    key = space + 1;
    return key_from_text(ret->key, key, (size_t) (end - key));
}

int
admit_list_load(struct admit_list *ret, const char *dir, struct buf *why)
{
    struct buf path = { 0 }, text = { 0 };
    size_t line = 0;
    int rc;

    *ret = (struct admit_list){ 0 };
    buf_printf(&path, "%s/" ADMIT_LIST_FILE, dir);
    rc = s_read(&text, buf_cstr(&path), why);
    if (rc == 0 && text.len > 0)
        rc = admit_list_parse(ret, &line, (const char *) text.at, text.len);
    if (rc == ERR_FORMAT) {
        buf_clear(why);
        buf_printf(why,
                   "%s: line %zu: \"ROLE NAME KEY\" is expected: agent, dashboard or operator, a "
                   "name without spaces, and 40 characters of a public key",
                   buf_cstr(&path), line);
    } else if (rc == ERR_LIMIT) {
        buf_clear(why);
        buf_printf(why, "%s: more than %d lines", buf_cstr(&path), ADMIT_LIST_MOST);
    }
    buf_release(&path);
    buf_release(&text);
    return rc;
}

void
admit_list_release(struct admit_list *self)
{
    free(self->at);
    *self = (struct admit_list){ 0 };
}

int
admit_list_set(const char *dir, const struct admit_entry *entries, size_t n, struct buf *why)
{
    struct buf path = { 0 }, old = { 0 }, text = { 0 };
    int rc;

    buf_printf(&path, "%s/" ADMIT_LIST_FILE, dir);
    rc = s_read(&old, buf_cstr(&path), why);
    if (rc == 0) {
        s_keep_others(&text, &old, entries, n);
        for (size_t i = 0; i < n; i++) {
            char key[KEY_TEXT_SIZE];

            key_to_text(key, entries[i].key);
            buf_printf(&text, "%s %s %s\n", key_role_str((uint8_t) entries[i].role),
                       entries[i].name, key);
        }
        if (text.len != old.len || (text.len > 0 && memcmp(text.at, old.at, text.len) != 0)) {
            rc = file_write_atomic(buf_cstr(&path), text.at, text.len, FILE_MODE);
            if (rc < 0) {
                buf_clear(why);
                buf_printf(why, "%s: cannot be written: %s", buf_cstr(&path), err_str(rc));
            }
        }
    }
    buf_release(&path);
    buf_release(&old);
    buf_release(&text);
    return rc;
}

// Where it is new, with a word of what it is.
static void
s_keep_others(struct buf *into, const struct buf *text, const struct admit_entry *entries, size_t n)
{
    const char *at = (const char *) text->at, *const end = at + text->len;

    if (text->len == 0)
        buf_str(into, "# Whose keys the collector lets in when it starts: ROLE NAME KEY\n");
    while (at < end) {
        struct admit_entry entry;
        size_t len;
        const char *line = s_next(&at, end, &len);
        bool other = true;

        if (line[0] != '#' && s_line(&entry, line, len) == 0) {
            for (size_t i = 0; i < n; i++)
                other = other && strcmp(entries[i].name, entry.name) != 0;
        }
        if (other)
            buf_printf(into, "%.*s\n", (int) len, line);
    }
}

// The text, which is empty where there is no file.
static int
s_read(struct buf *into, const char *path, struct buf *why)
{
    const int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    ptrdiff_t n;
    int rc;

    if (fd == -1 && errno == ENOENT)
        return 0;
    if (fd == -1) {
        rc = -errno;
        buf_clear(why);
        buf_printf(why, "%s: cannot be opened: %s", path,
                   rc == -ELOOP ? "it is a symbolic link" : err_str(rc));
        return rc;
    }
    rc = s_check(fd, path, why);
    if (rc == 0) {
        n = file_read_fd(into, fd, FILE_MOST);
        if (n < 0) {
            rc = (int) n;
            buf_clear(why);
            buf_printf(why, "%s: cannot be read: %s", path, err_str(rc));
        }
    }
    close(fd);
    return rc;
}

static int
s_check(int fd, const char *path, struct buf *why)
{
    struct stat st;

    buf_clear(why);
    if (fstat(fd, &st) == -1) {
        const int rc = -errno;

        buf_printf(why, "%s: cannot be looked at: %s", path, err_str(rc));
        return rc;
    }
    if (S_ISREG(st.st_mode) && (st.st_uid == geteuid() || st.st_uid == 0) &&
        (st.st_mode & (S_IWGRP | S_IWOTH)) == 0)
        return 0;
    buf_printf(why,
               "%s: says who comes in, so it is a file of ours (user %u) or root's that nobody "
               "else may write; it is user %u's and has mode %04o",
               path, (unsigned) geteuid(), (unsigned) st.st_uid, (unsigned) st.st_mode & 07777);
    return -EPERM;
}
