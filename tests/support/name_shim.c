// name_shim - a name server that never answers; preloaded into the program.
//
// Out:    getaddrinfo of the program and its libraries: asked for "localhost" it says so on
//         standard error, and never returns. A resolver with a server that is down takes half a
//         minute.
// Thread: any.

#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

#define NAME "localhost"

typedef int lookup_fn(const char *node, const char *port, const struct addrinfo *hints,
                      struct addrinfo **ret);

int
getaddrinfo(const char *node, const char *port, const struct addrinfo *hints, struct addrinfo **ret)
{
    static const char said[] = "name_shim: asked for " NAME "\n";
    lookup_fn *real;

    if (node == NULL || strcmp(node, NAME) != 0) {
        *(void **) &real = dlsym(RTLD_NEXT, "getaddrinfo"); // as dlsym(3) has it
        return real(node, port, hints, ret);
    }
    (void) !write(STDERR_FILENO, said, sizeof said - 1);
    for (;;)
        pause();
}
