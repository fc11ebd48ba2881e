// client_keys - see the header.

#include "shared/net/client_keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "shared/base/err.h"
#include "shared/base/file.h"
#include "shared/base/log.h"
#include "shared/net/enrol_client.h"

#define NAME_MODE 0644

static void s_take_name(struct client_keys *ret, const char *dir, const char *name);

int
client_keys_load(struct client_keys *ret, const char *dir, const char *name, struct buf *why)
{
    int rc = key_file_load(&ret->own, dir, name, why);

    if (rc == -ENOENT) {
        buf_clear(why);
        buf_printf(why, "%s/%s.key is not there: enrol first", dir, name);
    }
    if (rc < 0)
        return rc;
    rc = key_file_load_public(ret->server, dir, ENROL_COLLECTOR_NAME, why);
    if (rc == -ENOENT) {
        buf_clear(why);
        buf_printf(why, "%s/" ENROL_COLLECTOR_NAME ".pub is not there: enrol first", dir);
    }
    if (rc < 0) {
        key_pair_wipe(&ret->own);
        return rc;
    }
    s_take_name(ret, dir, name);
    ret->curve = (struct curve){ .own = &ret->own, .server = ret->server };
    return 0;
}

int
client_keys_start(struct client_keys *ret, const char *dir, const char *name)
{
    struct buf why = { 0 };
    int rc = 0;

    if (dir == NULL) {
        log_info("insecure: no keys, and a collector on this machine only", NULL);
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

// It is for our own use: the collector believes the key.
static void
s_take_name(struct client_keys *ret, const char *dir, const char *name)
{
    struct buf path = { 0 }, text = { 0 };
    size_t len;

    ret->name[0] = '\0';
    buf_printf(&path, "%s/%s.name", dir, name);
    if (file_read(&text, AT_FDCWD, buf_cstr(&path), ENROL_NAME_MAX + 1) > 0) {
        len = strcspn(buf_cstr(&text), "\n");
        if (enrol_name_ok(buf_cstr(&text), len)) {
            memcpy(ret->name, text.at, len);
            ret->name[len] = '\0';
        }
    }
    buf_release(&path);
    buf_release(&text);
}
