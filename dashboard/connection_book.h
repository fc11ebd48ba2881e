// connection_book - who is connected, from where, and since when it has been saying its request.
//
// In:     connections as they come, say a request, are answered and go.
// Out:    whether another may come from an address; connections shut that take too long.
// Rules:  a request is whole within `request_ms` of its first byte; the first one of a connection,
//         within that of the connection. However it drips: libmicrohttpd's own limit is for
//         silence. At most `per_address` connections of an address, an IPv6 /64 counting as one;
//         loopback and trusted proxies have no limit.
// Thread: any; it locks itself. A connection is closed after it has left the book, so one that is
//         in it has its descriptor.
// Source: tcp(7), TCP_INFO.

#ifndef DASHBOARD_CONNECTION_BOOK_H
#define DASHBOARD_CONNECTION_BOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

typedef struct connection_book connection_book_t;
struct connection; // one that is in the book

struct connection_limits {
    unsigned per_address;
    int64_t request_ms;
    const char *const *trusted; // IP literals; others are ignored
    size_t n_trusted;
};

connection_book_t *connection_book_new(const struct connection_limits *limits);
// All connections must have left it.
void connection_book_destroy(connection_book_t **self_p);
// True for an IP literal, without brackets: what `trusted` takes.
bool connection_book_takes(const char *address);

// Before a connection is taken.
bool connection_book_may(connection_book_t *self, const struct sockaddr *from);
struct connection *connection_book_enter(connection_book_t *self, int fd,
                                         const struct sockaddr *from, int64_t now_ms);
void connection_book_leave(connection_book_t *self, struct connection *connection);
// The request is whole: how long its answer takes is another's affair.
void connection_book_whole(connection_book_t *self, struct connection *connection);
// It was answered; the next one may come.
void connection_book_answered(connection_book_t *self, struct connection *connection);
// Shuts down what takes too long: its owner finds it closed. How many.
unsigned connection_book_sweep(connection_book_t *self, int64_t now_ms);

#endif
