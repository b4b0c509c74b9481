/* 512-bit vectors with products of 16-bit numbers, for x86 processors with AVX-512 F, DQ and VNNI: two of these products
 * take the time of one of floats. States are between −1 and 1, so that none of them is off by more than 1 in 16,000. Tables
 * of what a step reads have 16 bits too, so that half as much memory is read. */
#include "kernel.h"

#include <immintrin.h>
#include <math.h>

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
    const __m512i whole = _mm512_cvtps_epi32(x);
    _mm256_storeu_si256((__m256i *)address, _mm512_cvtepi32_epi16(whole));
}

/* As in avx512.c, with what 16-bit numbers need: with 2^x = 2^n · 2^f and 0 ≤ f < 1, a polynomial of 2^f has a relative
 * error of 2.6e-6. Any x will do: the power becomes infinite or 0, as it should. */
static inline __m512 v_gate_power(__m512 x)
{
    const __m512 part = _mm512_reduce_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC); /* f */
    __m512 power = _mm512_set1_ps(0.013534168f);
    power = _mm512_fmadd_ps(power, part, _mm512_set1_ps(0.05201146f));
    power = _mm512_fmadd_ps(power, part, _mm512_set1_ps(0.24144276f));
    power = _mm512_fmadd_ps(power, part, _mm512_set1_ps(0.69300383f));
    power = _mm512_fmadd_ps(power, part, _mm512_set1_ps(1.0000026f));
    return _mm512_scalef_ps(power, x); /* it takes n from x */
}
#define v_gate_power(x) v_gate_power(x)
#define v_gate_inverse(x) _mm512_rcp14_ps(x) /* a relative error of 6.1e-5, as that of the rounding of a state */

static inline __m256i load_shorts(const int16_t *address)
{
    return _mm256_loadu_si256((const __m256i *)address);
}

static inline float v_largest(__m512 x)
{
    return _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q) ? NAN : _mm512_reduce_max_ps(x);
}

#define INTEGERS __m512i
#define i_zero() _mm512_setzero_si512()
#define i_load(address) _mm512_loadu_si512(address)
#define i_pair(address) _mm512_set1_epi32(*(const short_pair *)(address))
#define i_add(a, b) _mm512_add_epi32(a, b)
#define i_shorts(address) _mm512_cvtepi16_epi32(load_shorts(address))
#define i_shorts_sum(a, b) _mm512_cvtepi16_epi32(_mm256_add_epi16(load_shorts(a), load_shorts(b)))
#define i_floats(x) _mm512_cvtepi32_ps(x)
#define v_store_shorts(address, x) store_shorts(address, x)

#define ROUTINES elman_vnni
#define ROUTINES_NAME "vnni"
#include "avx512.c"
