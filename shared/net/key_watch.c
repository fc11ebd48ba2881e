// key_watch - see the header.

#include "shared/net/key_watch.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "shared/base/log.h"
#include "shared/net/enrol_client.h"

#define PATH_SIZE 4096

static bool s_look(struct key_watch *self);
static bool s_load(struct key_watch *self);

void
key_watch_init(struct key_watch *self, const char *dir, const char *name, struct client_keys *keys,
               int64_t mono_ms)
{
    *self = (struct key_watch){
        .dir = dir, .name = name, .keys = keys, .look_ms = mono_ms + KEY_WATCH_MS
    };
    (void) s_look(self);
}

bool
key_watch_turn(struct key_watch *self, int64_t mono_ms)
{
    if (self->dir == NULL || mono_ms < self->look_ms)
        return false;
    self->look_ms = mono_ms + KEY_WATCH_MS;
    return s_look(self) && s_load(self);
}

void
key_watch_say(const struct key_watch *self)
{
    log_info("the keys are others: the collector is asked again", "key=%s",
             log_quote(self->keys->own.public_text));
}

void
key_watch_hurry(struct key_watch *self)
{
    self->look_ms = 0;
}

// Files are put in their place by a rename, so another one has another inode, or another time.
static bool
s_look(struct key_watch *self)
{
    const char *const files[2][2] = { { self->name, ".key" }, { ENROL_COLLECTOR_NAME, ".pub" } };
    bool other = false;

    for (size_t i = 0; i < 2; i++) {
        char path[PATH_SIZE];
        struct stat st = { 0 };

        snprintf(path, sizeof path, "%s/%s%s", self->dir, files[i][0], files[i][1]);
        if (stat(path, &st) == -1)
            continue; // in the making, or lost: the ones that are known go on
        other = other || st.st_ino != self->seen[i].inode ||
                memcmp(&st.st_ctim, &self->seen[i].changed, sizeof st.st_ctim) != 0;
        self->seen[i].inode = st.st_ino;
        self->seen[i].changed = st.st_ctim;
    }
    return other;
}

// True if they differ by more than their files.
static bool
s_load(struct key_watch *self)
{
    struct client_keys fresh = { 0 };
    struct buf why = { 0 };
    bool other = false;

    if (client_keys_load(&fresh, self->dir, self->name, &why) < 0) {
        log_warn("keys on the disk cannot be used; the old ones stay", "why=%s",
                 log_quote(buf_cstr(&why)));
    } else {
        other = strcmp(fresh.own.public_text, self->keys->own.public_text) != 0 ||
                strcmp(fresh.server, self->keys->server) != 0;
        // Their curve points into them, so they stay where they are.
        self->keys->own = fresh.own;
        memcpy(self->keys->server, fresh.server, sizeof self->keys->server);
    }
    client_keys_wipe(&fresh);
    buf_release(&why);
    return other;
}
