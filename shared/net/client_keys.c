// client_keys - see the header.

#include "shared/net/client_keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/err.h"
#include "shared/base/file.h"
#include "shared/base/log.h"
#include "shared/net/enrol_client.h"
#include "shared/net/option.h"

#define NAME_MODE 0644
#define HOST_KEYS "/etc/zpulse/keys"
#define OWN_KEYS  ".config/zpulse" // below $HOME

// What a setting says, and a folder or two below it, is never cut.
_Static_assert(CLIENT_KEYS_DIR_SIZE > OPTION_VALUE_MAX + 64, "room for every folder");

static void s_say_missing(struct buf *why, const char *dir, const char *name, const char *ending);

void
client_keys_dir(char ret[CLIENT_KEYS_DIR_SIZE], const char *given, bool insecure)
{
    const char *home = getenv("HOME");
    struct buf dir = { 0 };

    if (insecure)
        buf_clear(&dir);
    else if (!key_dir_find(&dir, given, home)) {
        buf_clear(&dir);
        // A service of root's has no $HOME, and is to find what root enrolled. A $HOME that is
        // longer than any path is none.
        if (geteuid() == 0 || home == NULL || home[0] != '/' ||
            strlen(home) + sizeof "/" OWN_KEYS > CLIENT_KEYS_DIR_SIZE)
            buf_str(&dir, HOST_KEYS);
        else
            buf_printf(&dir, "%s/" OWN_KEYS, home);
    }
    snprintf(ret, CLIENT_KEYS_DIR_SIZE, "%s", buf_cstr(&dir));
    buf_release(&dir);
}

int
client_keys_load(struct client_keys *ret, const char *dir, const char *name, struct buf *why)
{
    int rc = key_file_load(&ret->own, dir, name, why);

    if (rc == -ENOENT)
        s_say_missing(why, dir, name, ".key");
    if (rc < 0)
        return rc;
    rc = key_file_load_public(ret->server, dir, ENROL_COLLECTOR_NAME, why);
    if (rc == -ENOENT)
        s_say_missing(why, dir, ENROL_COLLECTOR_NAME, ".pub");
    if (rc < 0) {
        key_pair_wipe(&ret->own);
        return rc;
    }
    (void) client_keys_name(ret->name, dir, name);
    ret->curve = (struct curve){ .own = &ret->own, .server = ret->server };
    return 0;
}

int
client_keys_start(struct client_keys *ret, const char *dir, const char *name)
{
    struct buf why = { 0 };
    int rc = 0;

    if (dir == NULL || dir[0] == '\0') {
        log_warn("insecure: whoever is on this machine may speak in our name, and listen", NULL);
        return 0;
    }
    rc = client_keys_load(ret, dir, name, &why);
    if (rc < 0)
        log_error("the keys cannot be used", "why=%s", log_quote(buf_cstr(&why)));
    buf_release(&why);
    return rc;
}

void
client_keys_wipe(struct client_keys *keys)
{
    key_pair_wipe(&keys->own);
}

int
client_keys_save_name(const char *dir, const char *name, const char *called, struct buf *why)
{
    struct buf path = { 0 }, text = { 0 };
    int rc;

    buf_printf(&path, "%s/%s.name", dir, name);
    buf_printf(&text, "%s\n", called);
    rc = file_write_atomic(buf_cstr(&path), text.at, text.len, NAME_MODE);
    if (rc < 0) {
        buf_clear(why);
        buf_printf(why, "%s: cannot be written: %s", buf_cstr(&path), err_str(rc));
    }
    buf_release(&path);
    buf_release(&text);
    return rc;
}

// And what to do about it. Which role it is of is in the name: agent, dashboard, operator.
static void
s_say_missing(struct buf *why, const char *dir, const char *name, const char *ending)
{
    const char *role = strcmp(name, "dashboard") == 0 ? " --role=dashboard"
                       : strcmp(name, "agent") == 0   ? ""
                                                      : " --role=operator";
    const char *lost = strcmp(name, ENROL_OPERATOR_NAME) == 0
                           ? ", or where nobody has an operator's key any more \"zpulse keys "
                             "new-operator\" makes one there"
                           : "";

    buf_clear(why);
    buf_printf(why,
               "%s/%s%s is not there: give its folder with --keys; or enrol: \"zpulse enrol "
               "--new%s\" at the collector prints how%s; or use --insecure throughout, on one "
               "machine alone",
               dir, name, ending, role, lost);
}

// It is for our own use: the collector believes the key.
bool
client_keys_name(char ret[ENROL_NAME_MAX + 1], const char *dir, const char *name)
{
    struct buf path = { 0 }, text = { 0 };
    size_t len;

    ret[0] = '\0';
    buf_printf(&path, "%s/%s.name", dir, name);
    if (file_read(&text, AT_FDCWD, buf_cstr(&path), ENROL_NAME_MAX + 1) > 0) {
        len = strcspn(buf_cstr(&text), "\n");
        if (enrol_name_ok(buf_cstr(&text), len)) {
            memcpy(ret, text.at, len);
            ret[len] = '\0';
        }
    }
    buf_release(&path);
    buf_release(&text);
    return ret[0] != '\0';
}
