/* 256-bit vectors, for x86 processors with AVX2 and FMA. */
#include <immintrin.h>

#define VECTOR __m256
#define LANES 8
#define GROUP_1 8
#define GROUP_2 6
#define GROUP_3 4
#define GROUP_4 3
#define v_load(address) _mm256_loadu_ps(address)
#define v_store(address, x) _mm256_storeu_ps(address, x)
#define v_set(number) _mm256_set1_ps(number)
#define v_bytes(address) _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(address))))
#define v_add(a, b) _mm256_add_ps(a, b)
#define v_sub(a, b) _mm256_sub_ps(a, b)
#define v_mul(a, b) _mm256_mul_ps(a, b)
#define v_fma(a, b, c) _mm256_fmadd_ps(a, b, c)
#define v_max(a, b) _mm256_max_ps(a, b)
#define v_min(a, b) _mm256_min_ps(a, b)

/* As in avx512.c; 2^n is made from the bits of its exponent. */
static inline __m256 v_power(__m256 x)
{
    const __m256 whole = _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const __m256 part = _mm256_sub_ps(x, whole);
    __m256 power = _mm256_set1_ps(0.0013276457320898771f);
    power = _mm256_fmadd_ps(power, part, _mm256_set1_ps(0.009675540961325169f));
    power = _mm256_fmadd_ps(power, part, _mm256_set1_ps(0.05550713464617729f));
    power = _mm256_fmadd_ps(power, part, _mm256_set1_ps(0.24022120237350464f));
    power = _mm256_fmadd_ps(power, part, _mm256_set1_ps(0.6931469440460205f));
    power = _mm256_fmadd_ps(power, part, _mm256_set1_ps(1.0000001192092896f));
    const __m256i exponent = _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(whole), _mm256_set1_epi32(127)), 23);
    return _mm256_mul_ps(power, _mm256_castsi256_ps(exponent));
}

/* A division: on processors without AVX-512 an estimate has only 12 bits. */
static inline __m256 v_inverse(__m256 x)
{
    return _mm256_div_ps(_mm256_set1_ps(1.0f), x);
}

#define ROUTINES elman_avx2
#define ROUTINES_NAME "avx2"
#include "cells.h"
