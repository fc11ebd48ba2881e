// err - what can go wrong that errno has no word for.
//
// A function returns 0 or a count on success, and below zero either -errno or one of
// these. err_str speaks both. Zero is never an error.

#ifndef SHARED_BASE_ERR_H
#define SHARED_BASE_ERR_H

enum err {
    ERR_FORMAT = -4096,   // bytes that are not what they claim to be
    ERR_LIMIT = -4097,    // well formed, but larger than a stated limit
    ERR_LOCKED = -4098,   // another process has it
    ERR_VERSION = -4099,  // a newer major version than we read
    ERR_NEED_KEY = -4100, // readable only after a KEY or TABLE that is not here
    ERR_UNKNOWN = -4101,  // a name, host or series that is not known
    ERR_RANGE = -4102,    // a number outside its stated range
    ERR_CLOSED = -4103,   // the other side has ended
};

// A short lower-case phrase, ours, never NULL; for an unknown number "error N" from a
// buffer of the calling thread.
const char *err_str(int rc);

#endif
