/* 128-bit vectors, for 64-bit ARM processors, which all have them. */
#include <arm_neon.h>

#define VECTOR float32x4_t
#define LANES 4
#define GROUP_1 16
#define GROUP_2 12
#define GROUP_3 8
#define GROUP_4 6
#define v_load(address) vld1q_f32(address)
#define v_store(address, x) vst1q_f32(address, x)
#define v_set(number) vdupq_n_f32(number)
#define v_add(a, b) vaddq_f32(a, b)
#define v_sub(a, b) vsubq_f32(a, b)
#define v_mul(a, b) vmulq_f32(a, b)
#define v_fma(a, b, c) vfmaq_f32(c, a, b)
#define v_max(a, b) vmaxq_f32(a, b) /* NaN if one is NaN */
#define v_min(a, b) vminq_f32(a, b)

/* As in avx512.c; 2^n is made from the bits of its exponent. */
static inline float32x4_t v_power(float32x4_t x)
{
    const float32x4_t whole = vrndnq_f32(x), part = vsubq_f32(x, whole);
    float32x4_t power = vdupq_n_f32(0.0013276457320898771f);
    power = vfmaq_f32(vdupq_n_f32(0.009675540961325169f), power, part);
    power = vfmaq_f32(vdupq_n_f32(0.05550713464617729f), power, part);
    power = vfmaq_f32(vdupq_n_f32(0.24022120237350464f), power, part);
    power = vfmaq_f32(vdupq_n_f32(0.6931469440460205f), power, part);
    power = vfmaq_f32(vdupq_n_f32(1.0000001192092896f), power, part);
    const int32x4_t exponent = vshlq_n_s32(vaddq_s32(vcvtq_s32_f32(whole), vdupq_n_s32(127)), 23);
    return vmulq_f32(power, vreinterpretq_f32_s32(exponent));
}

static inline float32x4_t v_bytes(const int8_t *address)
{
    const float numbers[4] = {address[0], address[1], address[2], address[3]};
    return vld1q_f32(numbers);
}

static inline float32x4_t v_inverse(float32x4_t x)
{
    return vdivq_f32(vdupq_n_f32(1.0f), x);
}

#define ROUTINES elman_neon
#define ROUTINES_NAME "neon"
#include "cells.h"
