/* Dispatch: which instruction sets this library has, and which of them the processor has. */
#include "kernel.h"

#include <stddef.h>

#ifndef ELMAN_SOURCES
#define ELMAN_SOURCES "unknown" /* a hash of the sources, which the build passes in */
#endif

extern const elman_routines elman_portable;
#if defined(ELMAN_AVX512)
extern const elman_routines elman_avx512;
#endif
#if defined(ELMAN_VNNI)
extern const elman_routines elman_vnni;
#endif
#if defined(ELMAN_AVX2)
extern const elman_routines elman_avx2;
#endif
#if defined(ELMAN_NEON)
extern const elman_routines elman_neon;
#endif

int32_t elman_abi(void)
{
    return ELMAN_ABI;
}

const char *elman_sources(void)
{
    return ELMAN_SOURCES;
}

/* Return the routines that this processor can run, from place 0, the fastest first, and after them those that are not as
 * exact; NULL after the last. */
const elman_routines *elman_routines_at(int32_t place)
{
    const elman_routines *found[5];
    int32_t count = 0;
#if defined(ELMAN_AVX512)
    if (__builtin_cpu_supports("avx512f"))
        found[count++] = &elman_avx512;
#endif
#if defined(ELMAN_AVX2)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        found[count++] = &elman_avx2;
#endif
#if defined(ELMAN_NEON)
    found[count++] = &elman_neon;
#endif
    found[count++] = &elman_portable;
#if defined(ELMAN_VNNI)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vnni"))
        found[count++] = &elman_vnni;
#endif
    return place >= 0 && place < count ? found[place] : NULL;
}
