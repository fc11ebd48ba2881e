// key_file - see the header.

#include "shared/net/key_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include "shared/base/err.h"
#include "shared/base/file.h"
#include "shared/base/random.h"
#include "shared/base/str.h"

#define SECRET_MODE   0600
#define PUBLIC_MODE   0644
#define DIR_MODE      0700
#define NAME_SIZE     256 // of a file in its folder, bytes
#define SECRET_ENDING ".key"
#define PUBLIC_ENDING ".pub"
#define HEAD                                                                                   \
    "# A key of ZPulse. Whoever reads the secret half can speak in its owner's name: keep it " \
    "0600.\n"

static const char s_z85[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                            ".-:+=^!/*?&<>()[]{}@%$#";

static int s_refuse(struct buf *why, int rc, const char *dir, const char *name, const char *format,
                    ...) __attribute__((format(printf, 5, 6)));
static int s_open_dir(const char *dir, struct buf *why);
static int s_name(char ret[NAME_SIZE], const char *name, const char *ending);
static int s_read(int dir_fd, const char *dir, const char *file, bool secret,
                  char text[KEY_FILE_MOST], struct buf *why);
static int s_check_secret(int fd, const char *dir, const char *file, struct buf *why);
static int s_write(int dir_fd, const char *file, const char *text, unsigned mode, bool replace);
static int s_make(struct key_pair *ret, int dir_fd, const char *dir, const char *name,
                  struct buf *why);
static int s_save(int dir_fd, const char *dir, const char *name, const struct key_pair *pair,
                  bool replace, struct buf *why);
static int s_load(struct key_pair *ret, int dir_fd, const char *dir, const char *name, bool secret,
                  struct buf *why);

int
key_pair_make(struct key_pair *ret)
{
    return zmq_curve_keypair(ret->public_text, ret->secret_text) == 0 ? 0 : -errno;
}

void
key_pair_wipe(struct key_pair *pair)
{
    explicit_bzero(pair, sizeof *pair);
}

bool
key_is_text(const char *text, size_t len)
{
    uint8_t bytes[KEY_BYTES];

    return key_from_text(bytes, text, len) == 0;
}

// Five characters are four bytes. libzmq's own decoder takes characters and sums that are none.
int
key_from_text(uint8_t ret[KEY_BYTES], const char *text, size_t len)
{
    if (len != KEY_TEXT_LEN)
        return ERR_FORMAT;
    for (size_t group = 0; group < KEY_BYTES / 4; group++) {
        uint64_t sum = 0;

        for (size_t i = 0; i < 5; i++) {
            const char c = text[group * 5 + i];
            const char *at = c != '\0' ? strchr(s_z85, c) : NULL;

            if (at == NULL)
                return ERR_FORMAT;
            sum = sum * 85 + (uint64_t) (at - s_z85);
        }
        if (sum > UINT32_MAX)
            return ERR_FORMAT;
        for (size_t i = 0; i < 4; i++)
            ret[group * 4 + i] = (uint8_t) (sum >> (24 - 8 * i));
    }
    return 0;
}

void
key_to_text(char ret[KEY_TEXT_SIZE], const uint8_t key[KEY_BYTES])
{
    for (size_t group = 0; group < KEY_BYTES / 4; group++) {
        uint32_t sum = 0;

        for (size_t i = 0; i < 4; i++)
            sum = sum << 8 | key[group * 4 + i];
        for (size_t i = 5; i-- > 0; sum /= 85)
            ret[group * 5 + i] = s_z85[sum % 85];
    }
    ret[KEY_TEXT_LEN] = '\0';
}

// One line of it: "WORD KEY". Taken once.
static int
s_take_line(char into[KEY_TEXT_SIZE], const char *word, const char *line, size_t len)
{
    const size_t n = strlen(word);

    if (into[0] != '\0' || len != n + KEY_TEXT_LEN || !key_is_text(line + n, KEY_TEXT_LEN))
        return ERR_FORMAT;
    memcpy(into, line + n, KEY_TEXT_LEN);
    into[KEY_TEXT_LEN] = '\0';
    return 0;
}

int
key_file_parse(struct key_pair *ret, bool with_secret, const char *text, size_t len)
{
    const char *const end = text + len;
    char derived[KEY_TEXT_SIZE];
    int rc = 0;

    memset(ret, 0, sizeof *ret);
    while (text < end && rc == 0) {
        const char *stop = memchr(text, '\n', (size_t) (end - text));
        const size_t n = (size_t) ((stop != NULL ? stop : end) - text);

        if (n >= 7 && memcmp(text, "public ", 7) == 0)
            rc = s_take_line(ret->public_text, "public ", text, n);
        else if (with_secret && n >= 7 && memcmp(text, "secret ", 7) == 0)
            rc = s_take_line(ret->secret_text, "secret ", text, n);
        else if (n > 0 && text[0] != '#')
            rc = ERR_FORMAT;
        text += n + 1;
    }
    if (rc == 0 && (ret->public_text[0] == '\0' || (with_secret && ret->secret_text[0] == '\0')))
        rc = ERR_FORMAT;
    if (rc == 0 && with_secret &&
        (zmq_curve_public(derived, ret->secret_text) != 0 ||
         strcmp(derived, ret->public_text) != 0))
        rc = ERR_FORMAT;
    if (rc < 0)
        key_pair_wipe(ret);
    return rc;
}

int
key_file_load(struct key_pair *ret, const char *dir, const char *name, struct buf *why)
{
    const int dir_fd = s_open_dir(dir, why);
    int rc;

    if (dir_fd < 0)
        return dir_fd;
    rc = s_load(ret, dir_fd, dir, name, true, why);
    close(dir_fd);
    return rc;
}

int
key_file_load_or_make(struct key_pair *ret, bool *made_ret, const char *dir, const char *name,
                      struct buf *why)
{
    int dir_fd, rc;

    *made_ret = false;
    // The folders above are made as any other; this one is for its owner alone.
    if (mkdir(dir, DIR_MODE) == -1 && errno == ENOENT) {
        rc = file_make_dirs(dir);
        if (rc == 0 && chmod(dir, DIR_MODE) == -1)
            rc = -errno;
        if (rc < 0)
            return s_refuse(why, rc, dir, NULL, "the folder cannot be made: %s", err_str(rc));
    }
    dir_fd = s_open_dir(dir, why);
    if (dir_fd == -ENOENT)
        return s_refuse(why, dir_fd, dir, NULL, "the folder cannot be made: %s", err_str(dir_fd));
    if (dir_fd < 0)
        return dir_fd;
    rc = s_load(ret, dir_fd, dir, name, true, why);
    if (rc == -ENOENT) {
        rc = s_make(ret, dir_fd, dir, name, why);
        *made_ret = rc == 0;
        // Somebody was quicker: then theirs is the key.
        if (rc == -EEXIST)
            rc = s_load(ret, dir_fd, dir, name, true, why);
    }
    close(dir_fd);
    return rc;
}

int
key_file_load_public(char ret[KEY_TEXT_SIZE], const char *dir, const char *name, struct buf *why)
{
    const int dir_fd = s_open_dir(dir, why);
    struct key_pair pair;
    int rc;

    if (dir_fd < 0)
        return dir_fd;
    rc = s_load(&pair, dir_fd, dir, name, false, why);
    if (rc == 0)
        memcpy(ret, pair.public_text, KEY_TEXT_SIZE);
    close(dir_fd);
    return rc;
}

int
key_file_save_public(const char *dir, const char *name, const char *public_text, struct buf *why)
{
    const int dir_fd = s_open_dir(dir, why);
    char file[NAME_SIZE], text[KEY_FILE_MOST];
    int rc;

    assert(key_is_text(public_text, strlen(public_text)));
    if (dir_fd == -ENOENT)
        return s_refuse(why, dir_fd, dir, NULL, "the folder is not there");
    if (dir_fd < 0)
        return dir_fd;
    rc = s_name(file, name, PUBLIC_ENDING);
    snprintf(text, sizeof text, "public %s\n", public_text);
    rc = rc < 0 ? rc : s_write(dir_fd, file, text, PUBLIC_MODE, true);
    close(dir_fd);
    return rc < 0 ? s_refuse(why, rc, dir, file, "cannot be written: %s", err_str(rc)) : 0;
}

int
key_file_replace(const struct key_pair *pair, const char *dir, const char *name, struct buf *why)
{
    const int dir_fd = s_open_dir(dir, why);
    int rc;

    if (dir_fd == -ENOENT)
        return s_refuse(why, dir_fd, dir, NULL, "the folder is not there");
    if (dir_fd < 0)
        return dir_fd;
    rc = s_save(dir_fd, dir, name, pair, true, why);
    close(dir_fd);
    return rc;
}

int
key_file_remove(const char *dir, const char *name, struct buf *why)
{
    static const char *const endings[] = { SECRET_ENDING, PUBLIC_ENDING };
    const int dir_fd = s_open_dir(dir, why);
    char file[NAME_SIZE];
    int rc = 0;

    if (dir_fd < 0)
        return dir_fd == -ENOENT ? 0 : dir_fd;
    for (size_t i = 0; i < 2 && rc == 0; i++) {
        rc = s_name(file, name, endings[i]);
        if (rc == 0 && unlinkat(dir_fd, file, 0) == -1 && errno != ENOENT)
            rc = s_refuse(why, -errno, dir, file, "cannot be taken away: %s", err_str(-errno));
    }
    if (rc == 0 && fsync(dir_fd) == -1)
        rc = -errno;
    close(dir_fd);
    return rc;
}

bool
key_dir_find(struct buf *ret, const char *given, const char *home)
{
    struct stat st;

    buf_clear(ret);
    if (given != NULL) {
        buf_str(ret, given);
        return true;
    }
    buf_str(ret, "./run/keys");
    if (stat(buf_cstr(ret), &st) == 0 && S_ISDIR(st.st_mode))
        return true;
    buf_clear(ret);
    if (home != NULL && home[0] == '/') {
        buf_printf(ret, "%s/.config/zpulse", home);
        if (stat(buf_cstr(ret), &st) == 0 && S_ISDIR(st.st_mode))
            return true;
        buf_clear(ret);
    }
    buf_str(ret, "/etc/zpulse/keys");
    return stat(buf_cstr(ret), &st) == 0 && S_ISDIR(st.st_mode);
}

static int
s_refuse(struct buf *why, int rc, const char *dir, const char *name, const char *format, ...)
{
    va_list args;

    buf_clear(why);
    buf_str(why, dir);
    if (name != NULL)
        buf_printf(why, "/%s", name);
    buf_str(why, ": ");
    va_start(args, format);
    buf_vprintf(why, format, args);
    va_end(args);
    return rc;
}

// All names below are looked up in what this opened: a folder that is exchanged later is another.
static int
s_open_dir(const char *dir, struct buf *why)
{
    const int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat st;
    int rc;

    if (fd == -1 && errno == ENOENT)
        return -ENOENT;
    if (fd == -1 || fstat(fd, &st) == -1) {
        rc = -errno;
        if (fd != -1)
            close(fd);
        return s_refuse(why, rc, dir, NULL, "the folder cannot be opened: %s", err_str(rc));
    }
    if (st.st_uid != geteuid() && st.st_uid != 0)
        rc = s_refuse(why, -EPERM, dir, NULL,
                      "the folder of keys belongs to user %u; it must be ours (user %u) or root's",
                      (unsigned) st.st_uid, (unsigned) geteuid());
    else if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        rc = s_refuse(why, -EPERM, dir, NULL,
                      "the folder of keys has mode %04o; nobody but its owner may write it (0700)",
                      (unsigned) st.st_mode & 07777);
    else
        return fd;
    close(fd);
    return rc;
}

static int
s_name(char ret[NAME_SIZE], const char *name, const char *ending)
{
    const int n = snprintf(ret, NAME_SIZE, "%s%s", name, ending);

    return n > 0 && n < NAME_SIZE && strchr(name, '/') == NULL ? 0 : -ENAMETOOLONG;
}

static int
s_load(struct key_pair *ret, int dir_fd, const char *dir, const char *name, bool secret,
       struct buf *why)
{
    char file[NAME_SIZE], text[KEY_FILE_MOST] = { 0 };
    int rc = s_name(file, name, secret ? SECRET_ENDING : PUBLIC_ENDING);

    if (rc < 0)
        return s_refuse(why, rc, dir, name, "no name of a key");
    rc = s_read(dir_fd, dir, file, secret, text, why);
    if (rc >= 0) {
        rc = key_file_parse(ret, secret, text, (size_t) rc);
        if (rc < 0)
            s_refuse(why, rc, dir, file,
                     "no key of ours: lines \"public KEY\"%s with keys of 40 characters%s are "
                     "expected; restore it, or take it away",
                     secret ? " and \"secret KEY\"" : "", secret ? " that belong together" : "");
    }
    explicit_bzero(text, sizeof text);
    return rc;
}

// The bytes of it. No link is followed at its name, and a fifo or device is not waited for.
static int
s_read(int dir_fd, const char *dir, const char *file, bool secret, char text[KEY_FILE_MOST],
       struct buf *why)
{
    const int fd = openat(dir_fd, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    size_t len = 0;
    ssize_t n;
    int rc;

    if (fd == -1) {
        rc = -errno;
        if (rc == -ENOENT)
            return rc;
        return s_refuse(why, rc, dir, file, "cannot be opened: %s",
                        rc == -ELOOP ? "it is a symbolic link; a key is a file" : err_str(rc));
    }
    rc = secret ? s_check_secret(fd, dir, file, why) : 0;
    while (rc == 0 && len < KEY_FILE_MOST) {
        n = read(fd, text + len, KEY_FILE_MOST - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            rc = s_refuse(why, -errno, dir, file, "cannot be read: %s", err_str(-errno));
        if (n <= 0)
            break;
        len += (size_t) n;
    }
    if (rc == 0 && len == KEY_FILE_MOST)
        rc = s_refuse(why, ERR_FORMAT, dir, file, "no key: it has %d bytes or more", KEY_FILE_MOST);
    close(fd);
    return rc < 0 ? rc : (int) len;
}

// Of what is open, so that nobody can exchange it between the look and the read.
static int
s_check_secret(int fd, const char *dir, const char *file, struct buf *why)
{
    struct stat st;

    if (fstat(fd, &st) == -1)
        return s_refuse(why, -errno, dir, file, "cannot be looked at: %s", err_str(-errno));
    if (!S_ISREG(st.st_mode))
        return s_refuse(why, -EPERM, dir, file, "is no plain file; a key is");
    if (st.st_uid != geteuid())
        return s_refuse(why, -EPERM, dir, file,
                        "belongs to user %u; a secret key must belong to the user who uses it (%u)",
                        (unsigned) st.st_uid, (unsigned) geteuid());
    if ((st.st_mode & 07777 & ~(mode_t) SECRET_MODE) != 0)
        return s_refuse(why, -EPERM, dir, file,
                        "has mode %04o; a secret key must have 0600 or less (chmod 600, and make "
                        "a new key if others could read this one)",
                        (unsigned) st.st_mode & 07777);
    return 0;
}

static int
s_make(struct key_pair *ret, int dir_fd, const char *dir, const char *name, struct buf *why)
{
    int rc = key_pair_make(ret);

    if (rc < 0)
        return s_refuse(why, rc, dir, name, "no key can be made: %s", err_str(rc));
    rc = s_save(dir_fd, dir, name, ret, false, why);
    if (rc < 0)
        key_pair_wipe(ret);
    return rc;
}

// The secret first: a public half that nobody has the secret of would be worse than none.
static int
s_save(int dir_fd, const char *dir, const char *name, const struct key_pair *pair, bool replace,
       struct buf *why)
{
    char file[NAME_SIZE], text[KEY_FILE_MOST];
    int rc = s_name(file, name, SECRET_ENDING);

    snprintf(text, sizeof text, HEAD "public %s\nsecret %s\n", pair->public_text,
             pair->secret_text);
    rc = rc < 0 ? rc : s_write(dir_fd, file, text, SECRET_MODE, replace);
    explicit_bzero(text, sizeof text);
    if (rc == -EEXIST)
        return rc;
    if (rc == 0) {
        rc = s_name(file, name, PUBLIC_ENDING);
        snprintf(text, sizeof text, "public %s\n", pair->public_text);
        rc = rc < 0 ? rc : s_write(dir_fd, file, text, PUBLIC_MODE, true);
    }
    return rc < 0 ? s_refuse(why, rc, dir, file, "cannot be written: %s", err_str(rc)) : 0;
}

static int
s_fill(int fd, const char *text, unsigned mode)
{
    size_t left = strlen(text);

    while (left > 0) {
        const ssize_t n = write(fd, text, left);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        text += n;
        left -= (size_t) n;
    }
    return fchmod(fd, mode) == -1 || fsync(fd) == -1 ? -errno : 0;
}

// By a link, which fails where a name stands, or a rename, which replaces it.
static int
s_write(int dir_fd, const char *file, const char *text, unsigned mode, bool replace)
{
    char beside[NAME_SIZE + 32], tag[STR_HEX64_SIZE];
    int fd, rc;

    snprintf(beside, sizeof beside, ".%s.%s", file, str_hex64_put(tag, random_u64()));
    fd = openat(dir_fd, beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, SECRET_MODE);
    if (fd == -1)
        return -errno;
    rc = s_fill(fd, text, mode);
    if (close(fd) == -1 && rc == 0)
        rc = -errno;
    if (rc == 0 && replace && renameat(dir_fd, beside, dir_fd, file) == -1)
        rc = -errno;
    if (rc == 0 && !replace && linkat(dir_fd, beside, dir_fd, file, 0) == -1)
        rc = -errno;
    if (rc < 0 || !replace)
        unlinkat(dir_fd, beside, 0);
    if (rc == 0 && fsync(dir_fd) == -1)
        rc = -errno;
    return rc;
}
