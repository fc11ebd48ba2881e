// key_watch - whether a client's keys on the disk are others than those that it has.
//
// In:     the folder of keys: NAME.key, and collector.pub.
// Out:    the new ones in place of the old, once they are whole; what cannot be used is said in the
//         log, once, and the old ones stay.
// Cost:   two stats each KEY_WATCH_MS: they change a few times a year, and a signal to the
//         program (SIGHUP) is not always somebody's to send.
// Thread: one owner.

#ifndef SHARED_NET_KEY_WATCH_H
#define SHARED_NET_KEY_WATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "shared/net/client_keys.h"

#define KEY_WATCH_MS 5000

// Zero looks at nothing.
struct key_watch {
    const char *dir;          // borrowed
    const char *name;         // borrowed; of our pair there
    struct client_keys *keys; // borrowed
    int64_t look_ms;          // monotonic: when it looks next
    struct {
        ino_t inode;
        struct timespec changed;
    } seen[2]; // of either file
};

// Of keys that are about to be loaded into *keys.
void key_watch_init(struct key_watch *self, const char *dir, const char *name,
                    struct client_keys *keys, int64_t mono_ms);
// True: *keys are others now, and connections are to be made anew. Looks only when it is time.
bool key_watch_turn(struct key_watch *self, int64_t mono_ms);
// That they are, in the log: for who has made its connections anew, so that the line means both.
void key_watch_say(const struct key_watch *self);
// Looks at the next turn.
void key_watch_hurry(struct key_watch *self);

#endif
