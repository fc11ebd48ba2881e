// page_files - the page's files: those in the program, or the operator's own in their place.

#include "dashboard/page_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/str.h"
#include "shared/base/xalloc.h"

#define INDEX      "/index.html"
#define HASH_LEAST 8 // digits of the hash in a name that changes with the bytes

static const struct {
    const char *suffix;
    const char *type;
} types[] = {
    { ".html", "text/html; charset=utf-8" },
    { ".htm", "text/html; charset=utf-8" },
    { ".js", "text/javascript; charset=utf-8" },
    { ".mjs", "text/javascript; charset=utf-8" },
    { ".css", "text/css; charset=utf-8" },
    { ".json", "application/json" },
    { ".map", "application/json" },
    { ".svg", "image/svg+xml" },
    { ".png", "image/png" },
    { ".jpg", "image/jpeg" },
    { ".ico", "image/x-icon" },
    { ".webmanifest", "application/manifest+json" },
    { ".woff2", "font/woff2" },
    { ".txt", "text/plain; charset=utf-8" },
};

struct page_files {
    const struct page_asset *assets;
    size_t n;
    int root_fd; // of the operator's folder, or -1
};

static int s_get_asset(const page_files_t *self, const char *path, const struct page_want *want,
                       struct page_file *ret);
static bool s_has_hash(const char *path);
static bool s_matches(const char *if_none_match, const char *etag);
static int s_get_file(const page_files_t *self, const char *path, struct page_file *ret);
static int s_open_below(int root_fd, const char *path);
static const char *s_type_of(const char *path);
static bool s_q_is_zero(const char *params, const char *end);

int
page_files_open(page_files_t **ret, const struct page_asset *assets, size_t n, const char *root)
{
    page_files_t *self = xcalloc(1, sizeof *self);

    self->assets = assets;
    self->n = n;
    self->root_fd = -1;
    if (root != NULL) {
        self->root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (self->root_fd == -1) {
            const int rc = -errno;

            page_files_close(&self);
            return rc;
        }
    }
    *ret = self;
    return 0;
}

void
page_files_close(page_files_t **self_p)
{
    page_files_t *self = *self_p;

    if (self == NULL)
        return;
    if (self->root_fd != -1)
        close(self->root_fd);
    free(self);
    *self_p = NULL;
}

int
page_files_get(const page_files_t *self, const struct page_want *want, struct page_file *ret)
{
    const char *path = want->path;

    *ret = (struct page_file){ .fd = -1 };
    // The page reads its own address: every host's is the same file.
    if (strcmp(path, "/") == 0 || str_starts(path, "/h/"))
        path = INDEX;
    return self->root_fd != -1 ? s_get_file(self, path, ret) : s_get_asset(self, path, want, ret);
}

bool
page_accepts_gzip(const char *accept_encoding)
{
    bool any = false;

    for (const char *at = accept_encoding, *end; at != NULL && *at != '\0';
         at = *end == ',' ? end + 1 : end) {
        size_t n;

        at += strspn(at, " \t");
        end = strchrnul(at, ',');
        n = strcspn(at, " \t;,");
        // What is said of gzip itself counts, whatever is said of the rest.
        if (n == 4 && strncasecmp(at, "gzip", 4) == 0)
            return !s_q_is_zero(at + n, end);
        if (n == 1 && *at == '*')
            any = !s_q_is_zero(at + n, end);
    }
    return any;
}

static int
s_get_asset(const page_files_t *self, const char *path, const struct page_want *want,
            struct page_file *ret)
{
    for (size_t i = 0; i < self->n; i++) {
        const struct page_asset *a = &self->assets[i];

        if (strcmp(a->path, path) != 0)
            continue;
        // What does not shrink is given as it is.
        ret->vary = a->gz_len < a->raw_len;
        ret->gzip = ret->vary && page_accepts_gzip(want->accept_encoding);
        ret->bytes = ret->gzip ? a->gz : a->raw;
        ret->len = ret->gzip ? a->gz_len : a->raw_len;
        ret->type = a->type;
        ret->etag = ret->gzip ? a->gz_etag : a->etag;
        ret->immutable = s_has_hash(path);
        ret->ours = true;
        return s_matches(want->if_none_match, ret->etag) ? 304 : 200;
    }
    return 404;
}

// "/assets/app.1f2e3d4c5b.js": what stands before the last point is a hash.
static bool
s_has_hash(const char *path)
{
    const char *last = strrchr(path, '.');
    const char *at = last;

    if (last == NULL || !str_starts(path, "/assets/"))
        return false;
    while (at > path && at[-1] != '.')
        at--;
    return at > path && last - at >= HASH_LEAST &&
           strspn(at, "0123456789abcdefABCDEF") >= (size_t) (last - at);
}

// A list of entity tags; a weak one is the same for this question (RFC 9110, 13.1.2).
static bool
s_matches(const char *if_none_match, const char *etag)
{
    const size_t n = strlen(etag);

    for (const char *at = if_none_match; at != NULL && *at != '\0'; at++) {
        at += strspn(at, " \t,");
        if (*at == '*')
            return true;
        if (at[0] == 'W' && at[1] == '/')
            at += 2;
        if (strncmp(at, etag, n) == 0)
            return true;
        at = strchr(at, ',');
        if (at == NULL)
            return false;
    }
    return false;
}

static int
s_get_file(const page_files_t *self, const char *path, struct page_file *ret)
{
    struct stat st;
    int fd = s_open_below(self->root_fd, path);

    if (fd == -1)
        return errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == EINVAL ? 404 : 500;
    if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
        close(fd);
        return 404;
    }
    ret->fd = fd;
    ret->len = (size_t) st.st_size;
    ret->type = s_type_of(path);
    return 200;
}

// Step by step, so that no part of the path can be a link or lead upwards.
static int
s_open_below(int root_fd, const char *path)
{
    int dir = root_fd;
    int fd = -1;

    for (const char *at = path; fd == -1;) {
        char name[256];
        size_t n;

        at += strspn(at, "/");
        n = strcspn(at, "/");
        if (n == 0 || n >= sizeof name || at[0] == '.') { // hidden ones, "." and ".." as well
            errno = EINVAL;
            break;
        }
        memcpy(name, at, n);
        name[n] = '\0';
        at += n;
        if (*at == '\0') {
            fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
            break;
        }
        fd = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd == -1)
            break;
        if (dir != root_fd)
            close(dir);
        dir = fd;
        fd = -1;
    }
    if (dir != root_fd) {
        const int error = errno;

        close(dir);
        errno = error;
    }
    return fd;
}

static const char *
s_type_of(const char *path)
{
    const char *dot = strrchr(path, '.');

    for (size_t i = 0; dot != NULL && i < sizeof types / sizeof types[0]; i++)
        if (strcasecmp(dot, types[i].suffix) == 0)
            return types[i].type;
    return "application/octet-stream";
}

// ";q=0", "; q=0.000": not at all.
static bool
s_q_is_zero(const char *params, const char *end)
{
    for (const char *at = params; at < end; at++) {
        if (at[0] != 'q' && at[0] != 'Q')
            continue;
        at++;
        at += strspn(at, " \t");
        if (*at != '=')
            continue;
        at++;
        at += strspn(at, " \t");
        return at < end && *at == '0' && strcspn(at, "123456789") >= (size_t) (end - at);
    }
    return false;
}
