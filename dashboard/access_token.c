// access_token - see the header.

#include "dashboard/access_token.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/err.h"
#include "shared/base/xalloc.h"

#define FILE_MOST   1024
#define BEARER      "Bearer "
#define COOKIE_ATTR "; Path=/; HttpOnly; SameSite=Strict; Max-Age=31536000" // s, a year

struct access_token {
    char text[ACCESS_TOKEN_MOST + 1]; // zeros behind it
    size_t len;
};

static int s_read(char text[FILE_MOST], int fd, const char *path, struct buf *why);
static bool s_equal(const access_token_t *self, const char *text, size_t len);
static size_t s_token_len(const char *text);

int
access_token_load(access_token_t **ret, const char *path, struct buf *why)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    char text[FILE_MOST] = { 0 };
    access_token_t *self;
    size_t len;
    int rc;

    buf_clear(why);
    if (fd == -1) {
        rc = -errno;
        buf_printf(why, "%s: %s", path, err_str(rc));
        return rc;
    }
    rc = s_read(text, fd, path, why);
    close(fd);
    len = s_token_len(text);
    if (rc == 0 && (len < ACCESS_TOKEN_LEAST || len > ACCESS_TOKEN_MOST ||
                    text[len + strspn(text + len, "\r\n")] != '\0')) {
        buf_printf(why,
                   "%s: holds no token: one line of %d to %d letters, digits and \"-._~+/=\" is "
                   "expected (head -c 24 /dev/urandom | base64)",
                   path, ACCESS_TOKEN_LEAST, ACCESS_TOKEN_MOST);
        rc = ERR_FORMAT;
    }
    if (rc == 0) {
        self = xcalloc(1, sizeof *self);
        memcpy(self->text, text, len);
        self->len = len;
        *ret = self;
    }
    explicit_bzero(text, sizeof text);
    return rc;
}

void
access_token_destroy(access_token_t **self_p)
{
    if (*self_p == NULL)
        return;
    explicit_bzero(*self_p, sizeof **self_p);
    free(*self_p);
    *self_p = NULL;
}

bool
access_token_is(const access_token_t *self, const char *text)
{
    return text != NULL && s_equal(self, text, strlen(text));
}

bool
access_token_bearer(const access_token_t *self, const char *authorization)
{
    if (authorization == NULL || strncasecmp(authorization, BEARER, strlen(BEARER)) != 0)
        return false;
    authorization += strlen(BEARER);
    authorization += strspn(authorization, " ");
    return s_equal(self, authorization, strlen(authorization));
}

// "a=1; zpulse_token=...; b=2". Other programs on this host set cookies too, under any name.
bool
access_token_cookie(const access_token_t *self, const char *cookies)
{
    static const char name[] = ACCESS_TOKEN_COOKIE "=";
    bool found = false;

    while (cookies != NULL && *cookies != '\0') {
        const char *end = strchrnul(cookies, ';');

        cookies += strspn(cookies, " \t");
        if (cookies < end && strncmp(cookies, name, sizeof name - 1) == 0 &&
            s_equal(self, cookies + sizeof name - 1, (size_t) (end - cookies) - (sizeof name - 1)))
            found = true;
        cookies = *end == ';' ? end + 1 : end;
    }
    return found;
}

void
access_token_set_cookie(const access_token_t *self, struct buf *out)
{
    buf_printf(out, ACCESS_TOKEN_COOKIE "=%s" COOKIE_ATTR, self->text);
}

static int
s_read(char text[FILE_MOST], int fd, const char *path, struct buf *why)
{
    struct stat st;
    ssize_t n;

    if (fstat(fd, &st) == -1) {
        buf_printf(why, "%s: %s", path, err_str(-errno));
        return -errno;
    }
    if (!S_ISREG(st.st_mode) || (st.st_uid != geteuid() && st.st_uid != 0) ||
        (st.st_mode & 077) != 0) {
        buf_printf(why,
                   "%s: has mode %04o and is user %u's; a token is a file of ours (user %u) or "
                   "root's that nobody else may read: 0600",
                   path, (unsigned) st.st_mode & 07777, (unsigned) st.st_uid, (unsigned) geteuid());
        return -EPERM;
    }
    do
        n = read(fd, text, FILE_MOST - 1);
    while (n == -1 && errno == EINTR);
    if (n < 0) {
        buf_printf(why, "%s: %s", path, err_str(-errno));
        return -errno;
    }
    return 0;
}

// Every byte that a token may have is looked at, however early one differs.
static bool
s_equal(const access_token_t *self, const char *text, size_t len)
{
    volatile uint8_t differ = len != self->len;

    for (size_t i = 0; i < ACCESS_TOKEN_MOST; i++) {
        const char c = i < len ? text[i] : '\0';

        differ = (uint8_t) (differ | (uint8_t) (c ^ self->text[i]));
    }
    return differ == 0;
}

static size_t
s_token_len(const char *text)
{
    return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/=");
}
