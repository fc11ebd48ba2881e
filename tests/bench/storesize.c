// storesize - what a collector's folder holds, and how many bytes it takes for it.
//
// usage: storesize DIR
// Out:    one line, for a shell to read.

#include <inttypes.h>
#include <stdio.h>

#include "tests/bench/parts/fleet_stream.h"
#include "tests/bench/parts/store_files.h"

int
main(int argc, char **argv)
{
    struct store_sizes sizes;

    if (argc != 2)
        bench_fail("usage: storesize DIR");
    sizes = store_files_sizes(argv[1]);
    printf("tiles=%" PRIu64 " samples=%" PRIu64 " payload=%" PRIu64 " bytes=%" PRIu64
           " meta=%" PRIu64 " journal=%" PRIu64 "\n",
           sizes.tiles, sizes.samples, sizes.payload, sizes.bytes, sizes.meta, sizes.journal);
    return 0;
}
