// host_port - see host_port.h.

#include "collector/ctl/host_port.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/err.h"
#include "shared/base/str.h"

#define HOST_MAX 64 // longer than any literal address

int
host_port_parse(struct host_port *ret, const char *text)
{
    struct sockaddr_in *four = (struct sockaddr_in *) &ret->at;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *) &ret->at;
    const char *colon = strrchr(text, ':');
    char host[HOST_MAX];
    uint64_t port;
    size_t len;

    memset(ret, 0, sizeof *ret);
    if (colon == NULL || str_u64(&port, colon + 1, strlen(colon + 1)) < 0 || port < 1 ||
        port > UINT16_MAX)
        return ERR_FORMAT;
    len = (size_t) (colon - text);
    if (len > 2 && text[0] == '[' && colon[-1] == ']') {
        text++;
        len -= 2;
    }
    if (len >= sizeof host)
        return ERR_FORMAT;
    memcpy(host, text, len);
    host[len] = '\0';
    if (strcmp(host, "localhost") == 0)
        strcpy(host, "127.0.0.1");
    if (inet_pton(AF_INET, host, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons((uint16_t) port);
        ret->len = sizeof *four;
        return 0;
    }
    if (inet_pton(AF_INET6, host, &six->sin6_addr) == 1) {
        six->sin6_family = AF_INET6;
        six->sin6_port = htons((uint16_t) port);
        ret->len = sizeof *six;
        return 0;
    }
    return ERR_FORMAT;
}

int
host_port_listen(int *ret, const struct host_port *at)
{
    const int yes = 1;
    int fd = socket(at->at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int rc;

    if (fd == -1)
        return -errno;
    // As the programs themselves do it: a port whose last connections still linger is free.
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
        bind(fd, (const struct sockaddr *) &at->at, at->len) == 0 && listen(fd, 1) == 0) {
        *ret = fd;
        return 0;
    }
    rc = -errno;
    close(fd);
    return rc;
}
