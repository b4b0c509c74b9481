/* 512-bit vectors with products of 16-bit numbers, for x86 processors with AVX-512 F and VNNI: two of these products take
 * the time of one of floats. States are between −1 and 1, so that none of them is off by more than 1 in 16,000. */
#include "kernel.h"

#include <immintrin.h>

#if defined(__GNUC__)
typedef int32_t __attribute__((may_alias, aligned(2))) short_pair; /* two 16-bit numbers */

/* GCC 12 copies the sums of the intrinsic to memory and back; this keeps them in registers. */
static inline __m512i i_dot(__m512i sums, __m512i one, __m512i other)
{
    __asm__("vpdpwssd %2, %1, %0" : "+v"(sums) : "v"(one), "v"(other));
    return sums;
}
#else
typedef int32_t short_pair;
#define i_dot(sums, one, other) _mm512_dpwssd_epi32(sums, one, other)
#endif

static inline void store_shorts(int16_t *address, __m512 x)
{
    const __m512i whole = _mm512_cvtps_epi32(_mm512_mul_ps(x, _mm512_set1_ps(SHORT_ONE)));
    _mm256_storeu_si256((__m256i *)address, _mm512_cvtepi32_epi16(whole));
}

#define INTEGERS __m512i
#define i_zero() _mm512_setzero_si512()
#define i_load(address) _mm512_loadu_si512(address)
#define i_pair(address) _mm512_set1_epi32(*(const short_pair *)(address))
#define i_floats(x) _mm512_cvtepi32_ps(x)
#define v_store_shorts(address, x) store_shorts(address, x)

#define ROUTINES elman_vnni
#define ROUTINES_NAME "vnni"
#include "avx512.c"
