// peer_guard - see the header.

#include "shared/net/peer_guard.h"

#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shared/base/err.h"
#include "shared/base/fnv.h"
#include "shared/base/log.h"
#include "shared/net/descriptors.h"

#define CEILING_MOST (1u << 20)
#define SCARCE_SHARE 8  // the last of so many parts is not for everybody
#define PAUSE_MS     10 // where there is no descriptor at all: what libzmq would spin for
#define SAY_EVERY_MS 10000

static atomic_int s_ceiling; // 0: not started
static atomic_uint_fast64_t s_refused;
// By descriptor, who was accepted with it: 0 for nobody. It is not cleared when it is closed, but
// read only below a number that was just given, and there all are in use. Pages that nobody touches
// are not there.
static _Atomic uint32_t s_sources[CEILING_MOST];

// Under another name, since libc declares the address of accept4 as a union.
int guarded_accept(int listener, struct sockaddr *address, socklen_t *length,
                   int flags) __asm__("accept4");
static uint32_t s_source(const struct sockaddr *address);
static bool s_has_room(int fd, int ceiling, uint32_t source);
static void s_failed(int *error);

int
peer_guard_start(uint64_t limit, uint64_t own)
{
    uint64_t ceiling = descriptors_for_peers(limit, own);

    // Under a mean limit the process gets by with less, and so do its peers.
    if (ceiling < limit / 2)
        ceiling = limit / 2;
    if (ceiling > CEILING_MOST)
        ceiling = CEILING_MOST;
    if (dlsym(RTLD_DEFAULT, "accept4") != (void *) guarded_accept ||
        dlsym(RTLD_DEFAULT, "epoll_ctl") != (void *) epoll_ctl ||
        dlsym(RTLD_DEFAULT, "epoll_wait") != (void *) epoll_wait)
        return ERR_CLOSED;
    atomic_store(&s_ceiling, (int) ceiling);
    return 0;
}

uint64_t
peer_guard_refused(void)
{
    return atomic_load(&s_refused);
}

int
guarded_accept(int listener, struct sockaddr *address, socklen_t *length, int flags)
{
    const int fd = (int) syscall(SYS_accept4, listener, address, length, flags);
    const int ceiling = atomic_load(&s_ceiling);
    uint32_t source;

    if (ceiling == 0)
        return fd;
    if (fd == -1) {
        s_failed(&errno);
        return -1;
    }
    source = s_source(address);
    if (s_has_room(fd, ceiling, source)) {
        atomic_store_explicit(&s_sources[fd], source, memory_order_relaxed);
        return fd;
    }
    // First counted, then closed: who sees that it was sent away finds itself in the number.
    atomic_fetch_add(&s_refused, 1);
    close(fd);
    errno = ECONNABORTED; // to libzmq, as if the peer had gone while it waited
    return -1;
}

// What stands for an address, never 0. IPv6: the network, of which one host may have all, but for
// what is IPv4 behind a socket of both. libzmq does not ask for the address of local peers (ipc).
static uint32_t
s_source(const struct sockaddr *address)
{
    const struct in6_addr *in6;
    uint64_t hash;

    if (address != NULL && address->sa_family == AF_INET) {
        hash = fnv_add(FNV_BEGIN, &((const struct sockaddr_in *) (const void *) address)->sin_addr,
                       4);
    } else if (address != NULL && address->sa_family == AF_INET6) {
        in6 = &((const struct sockaddr_in6 *) (const void *) address)->sin6_addr;
        hash = IN6_IS_ADDR_V4MAPPED(in6) ? fnv_add(FNV_BEGIN, in6->s6_addr + 12, 4)
                                         : fnv_add(FNV_BEGIN, in6, 8);
    } else {
        hash = AF_UNIX;
    }
    return (uint32_t) (hash ^ hash >> 32) | 1;
}

static bool
s_has_room(int fd, int ceiling, uint32_t source)
{
    static _Thread_local int64_t said_ms;
    int has = 0;

    if (fd < ceiling - ceiling / SCARCE_SHARE)
        return true;
    if (fd < ceiling) {
        for (int i = 0; i < fd; i++)
            has += atomic_load_explicit(&s_sources[i], memory_order_relaxed) == source ? 1 : 0;
        if (has <= ceiling / 2)
            return true;
    }
    if (log_allow(&said_ms, SAY_EVERY_MS))
        log_warn("connections are refused: descriptors are kept for other peers and our own files",
                 "descriptor=%d for_peers=%d of_this_address=%d refused=%llu", fd, ceiling, has,
                 (unsigned long long) atomic_load(&s_refused) + 1);
    return false;
}

// libzmq asserts on what it does not expect: at ipc also on a want of descriptors or memory, which
// elsewhere it would ask again for at once, and which other processes can bring about. That a peer
// has gone while it waited it bears everywhere.
static void
s_failed(int *error)
{
    switch (*error) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        (void) poll(NULL, 0, PAUSE_MS);
        *error = ECONNABORTED;
        break;
    case EAGAIN:
    case EINTR:
    case EBADF: // these four are mistakes of the program: the assertion may have them
    case EFAULT:
    case EINVAL:
    case ENOTSOCK:
        break;
    default:
        *error = ECONNABORTED;
    }
}

// Nothing is wanted: the kernel would still tell of a peer that is gone, so it is not asked. ENOENT
// is then how it was left.
int
epoll_ctl(int epoll, int what, int fd, struct epoll_event *event)
{
    const bool guard = atomic_load(&s_ceiling) != 0;
    int rc;

    if (guard && what == EPOLL_CTL_MOD && event->events == 0)
        what = EPOLL_CTL_DEL;
    rc = (int) syscall(SYS_epoll_ctl, epoll, what, fd, event);
    if (rc == 0 || !guard || errno != ENOENT)
        return rc;
    if (what == EPOLL_CTL_MOD)
        return (int) syscall(SYS_epoll_ctl, epoll, EPOLL_CTL_ADD, fd, event);
    return what == EPOLL_CTL_DEL ? 0 : rc;
}

// That the peer has gone comes out of reading or writing as well. libzmq reads once for each of the
// two tidings, and asserts at the second if the first has left no room.
int
epoll_wait(int epoll, struct epoll_event *events, int most, int timeout_ms)
{
    const int n = epoll_pwait(epoll, events, most, timeout_ms, NULL);

    for (int i = 0; i < n && atomic_load(&s_ceiling) != 0; i++) {
        if ((events[i].events & (EPOLLIN | EPOLLOUT)) != 0)
            events[i].events &= EPOLLIN | EPOLLOUT;
    }
    return n;
}
