// key_file - CURVE key pairs as files: NAME.key for its owner alone, NAME.pub for everybody.
//
// In:     a folder and a name; what stands there may have been written by anybody.
// Out:    a pair, in Z85 (ZeroMQ RFC 32); or one line that names the file, what it is and the rule.
// Form:   lines "public KEY" and "secret KEY", each key 40 characters; lines that begin with '#'
//         are for people. NAME.pub has the first line only.
// Rules:  the folder is ours or root's, and nobody else may write it; NAME.key is a file, no link,
//         ours, and of mode 0600 or less. What breaks a rule is refused and never mended: who
//         loosened it has perhaps read it.
// Files:  a new one is written beside, synced, and put in its place only where nothing stands: of
//         two that start at once, one makes the key and both have it.
// Thread: any; it keeps nothing.

#ifndef SHARED_NET_KEY_FILE_H
#define SHARED_NET_KEY_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/buf.h"

#define KEY_TEXT_LEN  40 // characters of a key in Z85
#define KEY_TEXT_SIZE 41 // and the NUL
#define KEY_BYTES     32
#define KEY_FILE_MOST 1024 // bytes of a file that is one

// A value. Wipe it when it is no longer needed.
struct key_pair {
    char public_text[KEY_TEXT_SIZE];
    char secret_text[KEY_TEXT_SIZE];
};

// A new pair. 0, or -errno where libzmq has no CURVE.
int key_pair_make(struct key_pair *ret);
// The bytes are overwritten, however clever the compiler is.
void key_pair_wipe(struct key_pair *pair);

// Exactly 40 characters of Z85 that stand for 32 bytes.
bool key_is_text(const char *text, size_t len);
// 0, or ERR_FORMAT.
int key_from_text(uint8_t ret[KEY_BYTES], const char *text, size_t len);
void key_to_text(char ret[KEY_TEXT_SIZE], const uint8_t key[KEY_BYTES]);

// The text of a file: with its secret, or a public half (*ret then has no secret text). 0, or
// ERR_FORMAT: lines of other kinds, twice, too few, or halves that do not belong together.
int key_file_parse(struct key_pair *ret, bool with_secret, const char *text, size_t len);

// `dir`/`name`.key. 0; -ENOENT; -EPERM: a rule is broken; ERR_FORMAT; or another -errno. But for
// -ENOENT and 0 `why` has the line.
int key_file_load(struct key_pair *ret, const char *dir, const char *name, struct buf *why);
// The same, and makes folder (0700), pair and public half where they are missing. *made_ret says
// whether it did.
int key_file_load_or_make(struct key_pair *ret, bool *made_ret, const char *dir, const char *name,
                          struct buf *why);
// `dir`/`name`.pub, whose owner and mode are its folder's affair.
int key_file_load_public(char ret[KEY_TEXT_SIZE], const char *dir, const char *name,
                         struct buf *why);
// Writes `dir`/`name`.pub anew: another's public key, to know it again by.
int key_file_save_public(const char *dir, const char *name, const char *public_text,
                         struct buf *why);
// Takes the place of the pair that stands there, at once and whole: rotation.
int key_file_replace(const struct key_pair *pair, const char *dir, const char *name,
                     struct buf *why);

// Takes both halves away: what another name has now. Nothing there is fine.
int key_file_remove(const char *dir, const char *name, struct buf *why);

// The folder of a client's keys: `given` (of --keys or its variable) whatever it is; else the first
// that exists of ./run/keys, ~/.config/zpulse and /etc/zpulse/keys. `home` is $HOME or NULL. False
// if there is none.
bool key_dir_find(struct buf *ret, const char *given, const char *home);

#endif
