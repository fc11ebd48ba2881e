// client_keys - what a client needs to be known by its collector: its pair, and the collector's
// key.
//
// In:     a folder of keys (--keys), and what our pair is called there.
// Out:    a curve for its sockets, and the name that the collector knows the key by.
// Files:  NAME.key, NAME.pub, collector.pub, and NAME.name, as enrol_join leaves them.
// Search: --keys or $ZPULSE_KEYS; else the first that exists of ./run/keys, ~/.config/zpulse and
//         /etc/zpulse/keys.
// Thread: made by main, before the sockets; then read by any.

#ifndef SHARED_NET_CLIENT_KEYS_H
#define SHARED_NET_CLIENT_KEYS_H

#include <stdbool.h>

#include "shared/base/buf.h"
#include "shared/net/curve.h"
#include "shared/wire/enrol.h"

#define CLIENT_KEYS_DIR_SIZE 4096

// The folder: `given` (NULL: none was) whatever it is, or what the search finds; where it finds
// none, the one that enrolling makes: root's /etc/zpulse/keys, anybody else's ~/.config/zpulse.
// With `insecure` it is "".
void client_keys_dir(char ret[CLIENT_KEYS_DIR_SIZE], const char *given, bool insecure);

// It points into itself: do not copy it.
struct client_keys {
    struct key_pair own;
    char server[KEY_TEXT_SIZE];
    char name[ENROL_NAME_MAX + 1]; // "": it was not kept
    struct curve curve;
};

// 0 and *ret; or below zero, and `why` is a line that says what is missing, or which rule is
// broken.
int client_keys_load(struct client_keys *ret, const char *dir, const char *name, struct buf *why);
// The same for a program that serves: it says in the log what is wrong; or, without a folder
// (NULL, or ""), that it is insecure, which is 0.
int client_keys_start(struct client_keys *ret, const char *dir, const char *name);
void client_keys_wipe(struct client_keys *keys);
// What the collector calls it, kept beside the pair. 0, or below zero as above.
int client_keys_save_name(const char *dir, const char *name, const char *called, struct buf *why);
// True and *ret: what was kept so; or false and "".
bool client_keys_name(char ret[ENROL_NAME_MAX + 1], const char *dir, const char *name);

#endif
