// key_rotation - a client's key is replaced, with an overlap in which both are let in.
//
//      NAME.next is made -> the collector takes it, asked by the key that it knows ->
//      it is proved: a door lets it in -> it becomes NAME, at once and whole
//
// In:     a folder of keys as enrolment leaves it, and the collector that knows them.
// Out:    another NAME.key there. Until it is proved the old one stays in its place, and is let in
//         until the collector's overlap ends; so whatever stops it in between, it can be run again.
// Trust:  none in the network: both connections are CURVE's, pinned to the collector's key.
// Thread: one owner; it waits, at most as long as it is told for each of its steps.

#ifndef SHARED_NET_KEY_ROTATION_H
#define SHARED_NET_KEY_ROTATION_H

#include <stdint.h>

#include "shared/base/buf.h"
#include "shared/net/sock.h"

struct key_rotation {
    const char *collector; // data endpoint
    const char *dir;       // of keys
    const char *name;      // of our pair there
    enum sock_port door;   // that lets this role in
    int wake_fd;           // readable: waiting ends with -EINTR; -1: none
    int timeout_ms;
};

// 0, and until when the old key is let in, by the collector's clock (0: it is not any more); or
// below zero and `why` is a line for people: -EPERM is a refusal, -ETIMEDOUT no answer, -EINTR
// leaves it empty where nothing has been changed yet.
int key_rotate(int64_t *until_ms, const struct key_rotation *how, struct buf *why);

#endif
