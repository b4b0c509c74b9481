/* Any processor. GCC and Clang have vectors of four floats, which they map to what the processor has; for other
 * compilers a vector is one float. */
#include <stdint.h>
#include <string.h>

#if defined(__GNUC__)
typedef float vector __attribute__((vector_size(16)));
typedef int32_t bits __attribute__((vector_size(16)));
#define LANES 4
#define v_set(number) ((vector){(number), (number), (number), (number)})
#define CHOOSE(condition) (condition) /* all bits of a lane where it is true */
#else
typedef float vector;
typedef int32_t bits;
#define LANES 1
#define v_set(number) (number)
#define CHOOSE(condition) (-(int32_t)(condition))
#endif

#define VECTOR vector
#define GROUP_1 8
#define GROUP_2 6
#define GROUP_3 4
#define GROUP_4 3
#define v_add(a, b) ((a) + (b))
#define v_sub(a, b) ((a) - (b))
#define v_mul(a, b) ((a) * (b))
#define v_fma(a, b, c) ((a) * (b) + (c))

static inline vector v_load(const float *address)
{
    vector x;
    memcpy(&x, address, sizeof x);
    return x;
}

static inline void v_store(float *address, vector x)
{
    memcpy(address, &x, sizeof x);
}

static inline vector v_bytes(const int8_t *address)
{
    float numbers[LANES];
    for (int lane = 0; lane < LANES; lane++)
        numbers[lane] = address[lane];
    return v_load(numbers);
}

static inline bits as_bits(vector x)
{
    bits same;
    memcpy(&same, &x, sizeof x);
    return same;
}

static inline vector as_floats(bits x)
{
    vector same;
    memcpy(&same, &x, sizeof x);
    return same;
}

static inline vector choose(bits condition, vector yes, vector no)
{
    return as_floats((condition & as_bits(yes)) | (~condition & as_bits(no)));
}

static inline vector v_max(vector a, vector b)
{
    return choose(CHOOSE(a > b), a, b);
}

static inline vector v_min(vector a, vector b)
{
    return choose(CHOOSE(a < b), a, b);
}

/* As in avx512.c. To add 3 · 2^22 rounds to a whole number, which is then in the lowest bits. */
static inline vector v_power(vector x)
{
    const vector large = v_set(12582912.0f), shifted = x + large, part = x - (shifted - large);
    vector power = v_set(0.0013276457320898771f);
    power = power * part + 0.009675540961325169f;
    power = power * part + 0.05550713464617729f;
    power = power * part + 0.24022120237350464f;
    power = power * part + 0.6931469440460205f;
    power = power * part + 1.0000001192092896f;
    return power * as_floats((as_bits(shifted) - as_bits(large) + 127) << 23);
}

static inline vector v_inverse(vector x)
{
    return 1.0f / x;
}

#define ROUTINES elman_portable
#define ROUTINES_NAME "portable"
#include "cells.h"
