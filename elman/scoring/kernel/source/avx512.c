/* 512-bit vectors, for x86 processors with AVX-512 F. */
#include <immintrin.h>

#define VECTOR __m512
#define LANES 16
#define GROUP_1 16
#define GROUP_2 12
#define GROUP_3 8
#define GROUP_4 6
#define v_load(address) _mm512_loadu_ps(address)
#define v_store(address, x) _mm512_storeu_ps(address, x)
#define v_set(number) _mm512_set1_ps(number)
#define v_bytes(address) _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(address))))
#define v_add(a, b) _mm512_add_ps(a, b)
#define v_sub(a, b) _mm512_sub_ps(a, b)
#define v_mul(a, b) _mm512_mul_ps(a, b)
#define v_fma(a, b, c) _mm512_fmadd_ps(a, b, c)
#define v_max(a, b) _mm512_max_ps(a, b)
#define v_min(a, b) _mm512_min_ps(a, b)

/* 2^x = 2^n · 2^f with n whole and |f| ≤ 1/2; the polynomial of 2^f has a relative error of 7.5e-8. */
static inline __m512 v_power(__m512 x)
{
    const __m512 whole = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const __m512 part = _mm512_sub_ps(x, whole);
    __m512 power = _mm512_set1_ps(0.0013276457320898771f);
    power = _mm512_fmadd_ps(power, part, _mm512_set1_ps(0.009675540961325169f));
    power = _mm512_fmadd_ps(power, part, _mm512_set1_ps(0.05550713464617729f));
    power = _mm512_fmadd_ps(power, part, _mm512_set1_ps(0.24022120237350464f));
    power = _mm512_fmadd_ps(power, part, _mm512_set1_ps(0.6931469440460205f));
    power = _mm512_fmadd_ps(power, part, _mm512_set1_ps(1.0000001192092896f));
    return _mm512_scalef_ps(power, whole);
}

/* An estimate of 14 bits and one step of Newton's method: faster than a division. */
static inline __m512 v_inverse(__m512 x)
{
    const __m512 estimate = _mm512_rcp14_ps(x);
    return _mm512_mul_ps(estimate, _mm512_fnmadd_ps(x, estimate, _mm512_set1_ps(2.0f)));
}

#if !defined(ROUTINES) /* vnni.c has its own */
#define ROUTINES elman_avx512
#define ROUTINES_NAME "avx512"
#endif
#include "cells.h"
