/* The arithmetic of the kernel, for one instruction set. A file that includes this one defines before it
 *
 *     VECTOR, LANES            a vector of so many floats
 *     v_load, v_store, v_set   from and to memory (any address), and one number in all lanes
 *     v_bytes                  from so many signed bytes
 *     v_add, v_sub, v_mul, v_fma(a, b, c) = a · b + c, v_max, v_min (both return the second argument if one is NaN)
 *     v_power(x)               2^x, for −126 ≤ x ≤ 120; NaN for NaN
 *     v_inverse(x)             1 / x, for 1 ≤ x ≤ 2^121
 *     GROUP_1 to GROUP_4       how many rows are multiplied together with 1 to 4 gates: as many as there are
 *                              registers for their sums; 2 are for a head, which has no gates
 *     ROUTINES                 the name of the table at the end
 *
 * and for products of 16-bit numbers, if it has them
 *
 *     INTEGERS                 a vector of so many 32-bit sums
 *     i_load, i_zero, i_pair   from memory, zeros, and one pair of 16-bit numbers in all lanes
 *     i_dot(a, b, c)           a + the products of pairs in b and c
 *     i_add(a, b)              the sums of both
 *     i_shorts                 from so many signed 16-bit numbers
 *     i_shorts_sum(a, b)       the same from two addresses: their sums, which have 16 bits too
 *     i_floats(x)              as floats
 *     v_store_shorts           numbers between −32,767 and 32,767, rounded to 16 bits
 *     v_largest                the largest number of a vector; NaN if one is NaN
 *     v_gate_power, v_gate_inverse  as v_power and v_inverse, as exact as 16-bit numbers need it
 *
 * The weights of a gate σ are scaled by −log2 e, and those of a tanh by 2 · log2 e, when they are packed, so that
 * σ(x) = 1 / (1 + 2^x) and tanh(x) = 1 − 2 / (1 + 2^x). Sums stay in registers until their gates are computed: a state
 * is written once, and nothing else is.
 */
#include "kernel.h"

#include <math.h>
#include <string.h>

#define MOST_GROUP 16 /* rows */
#define MOST_GATES 4

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define UNROLL _Pragma("GCC unroll 16")
#else
#define UNROLL
#endif

#if defined(INTEGERS)
#define BITS 16
#else
#define BITS 32
#endif

static const float TWO_LOG2_E = 2.885390081777927f, LOG2_E = 1.4426950408889634f;

/* Write rows · weights + bias of one block of columns to ``out``, [size][gates][lanes]. Gates and size are constants
 * where this is inlined, so that every sum has a register. Behind the last row the pointers repeat it. */
INLINE void multiply_block(const float *restrict weights, const float *restrict bias, const float *const *rows,
                           int inner, const int gates, const int size, float *restrict out, int64_t stride)
{
    VECTOR sums[MOST_GROUP * MOST_GATES];
    UNROLL for (int row = 0; row < size; row++)
        UNROLL for (int gate = 0; gate < gates; gate++)
            sums[row * gates + gate] = v_load(bias + gate * LANES);
    for (int k = 0; k < inner; k++, weights += gates * LANES) {
        VECTOR weight[MOST_GATES];
        UNROLL for (int gate = 0; gate < gates; gate++)
            weight[gate] = v_load(weights + gate * LANES);
        UNROLL for (int row = 0; row < size; row++) {
            const VECTOR number = v_set(rows[row][k]);
            UNROLL for (int gate = 0; gate < gates; gate++)
                sums[row * gates + gate] = v_fma(number, weight[gate], sums[row * gates + gate]);
        }
    }
    UNROLL for (int row = 0; row < size; row++)
        UNROLL for (int gate = 0; gate < gates; gate++)
            v_store(out + row * stride + gate * LANES, sums[row * gates + gate]);
}

typedef void (*multiplier)(const float *weights, const float *bias, const float *const *rows, int inner, float *out,
                           int64_t stride);

/* multiply_block for some gates and rows, as a function of its own: where all of them are inlined into one, compilers
 * keep sums in memory. */
#define DEFINE(name, gates, size)                                                                                  \
    NOINLINE void name(const float *weights, const float *bias, const float *const *rows, int inner, float *out,  \
                       int64_t stride)                                                                             \
    {                                                                                                              \
        multiply_block(weights, bias, rows, inner, gates, size, out, stride);                                      \
    }
#define MULTIPLIERS(gates, group)                    \
    DEFINE(multiply_##gates##_1, gates, 1)       \
    DEFINE(multiply_##gates##_2, gates, 2)       \
    DEFINE(multiply_##gates##_few, gates, group > 4 ? 4 : group) \
    DEFINE(multiply_##gates##_all, gates, group)
MULTIPLIERS(1, GROUP_1)
MULTIPLIERS(2, GROUP_2)
MULTIPLIERS(3, GROUP_3)
MULTIPLIERS(4, GROUP_4)

#if defined(INTEGERS)
/* The same with 16-bit numbers, two of them in each step. */
INLINE void multiply_shorts(const elman_matrix *matrix, int64_t column, const int16_t *const *rows, const int gates,
                            const int size, float *restrict out)
{
    const int pairs = (matrix->inner + 1) / 2;
    const int16_t *weights = matrix->shorts + 2 * column * pairs;
    const float *const bias = matrix->bias + column, *const scales = matrix->scales + column;
    INTEGERS sums[MOST_GROUP * MOST_GATES];
    UNROLL for (int sum = 0; sum < size * gates; sum++)
        sums[sum] = i_zero();
    for (int pair = 0; pair < pairs; pair++, weights += 2 * gates * LANES) {
        INTEGERS weight[MOST_GATES];
        UNROLL for (int gate = 0; gate < gates; gate++)
            weight[gate] = i_load(weights + 2 * gate * LANES);
        UNROLL for (int row = 0; row < size; row++) {
            const INTEGERS numbers = i_pair(rows[row] + 2 * pair);
            UNROLL for (int gate = 0; gate < gates; gate++)
                sums[row * gates + gate] = i_dot(sums[row * gates + gate], numbers, weight[gate]);
        }
    }
    UNROLL for (int row = 0; row < size; row++)
        UNROLL for (int gate = 0; gate < gates; gate++) {
            const VECTOR scale = v_load(scales + gate * LANES);
            v_store(out + (row * gates + gate) * LANES,
                    v_fma(scale, i_floats(sums[row * gates + gate]), v_load(bias + gate * LANES)));
        }
}

typedef void (*short_multiplier)(const elman_matrix *, int64_t column, const int16_t *const *rows, float *out);

#define DEFINE_SHORTS(name, gates, size)                                                                    \
    NOINLINE void name(const elman_matrix *matrix, int64_t column, const int16_t *const *rows, float *out) \
    {                                                                                                       \
        multiply_shorts(matrix, column, rows, gates, size, out);                                           \
    }
#define SHORT_MULTIPLIERS(gates, group)             \
    DEFINE_SHORTS(multiply_shorts_##gates##_1, gates, 1) \
    DEFINE_SHORTS(multiply_shorts_##gates##_few, gates, group > 4 ? 4 : group) \
    DEFINE_SHORTS(multiply_shorts_##gates##_all, gates, group)
SHORT_MULTIPLIERS(1, GROUP_1)
SHORT_MULTIPLIERS(3, GROUP_3)
SHORT_MULTIPLIERS(4, GROUP_4)

INLINE short_multiplier choose_short_multiplier(const int gates, int count)
{
    if (gates == 1)
        return count == 1 ? multiply_shorts_1_1 : count <= 4 ? multiply_shorts_1_few : multiply_shorts_1_all;
    if (gates == 3)
        return count == 1 ? multiply_shorts_3_1 : count <= 4 ? multiply_shorts_3_few : multiply_shorts_3_all;
    return count == 1 ? multiply_shorts_4_1 : count <= 4 ? multiply_shorts_4_few : multiply_shorts_4_all;
}
#endif

/* Return what multiplies at least ``count`` rows, and no more than a group. A few rows cost less than a group. */
INLINE multiplier choose_multiplier(const int gates, int count)
{
    if (gates == 1)
        return count == 1 ? multiply_1_1 : count == 2 ? multiply_1_2 : count <= 4 ? multiply_1_few : multiply_1_all;
    if (gates == 2)
        return count == 1 ? multiply_2_1 : count == 2 ? multiply_2_2 : count <= 4 ? multiply_2_few : multiply_2_all;
    if (gates == 3)
        return count == 1 ? multiply_3_1 : count == 2 ? multiply_3_2 : count <= 4 ? multiply_3_few : multiply_3_all;
    return count == 1 ? multiply_4_1 : count == 2 ? multiply_4_2 : count <= 4 ? multiply_4_few : multiply_4_all;
}

/* Point to some rows of an array, and to the last of them again up to the size of a group. */
INLINE void point_to(const float **rows, const float *array, const int32_t *places, int64_t stride, int count,
                     const int group)
{
    for (int row = 0; row < group; row++) {
        const int32_t place = row < count ? row : count - 1;
        rows[row] = array + (places ? places[place] : place) * stride;
    }
}

#if !defined(v_gate_power)
#define v_gate_power(x) v_power(v_max(v_set(-126.0f), x))
#define v_gate_inverse(x) v_inverse(x)
#endif

static VECTOR sigmoid(VECTOR scaled)
{
    return v_gate_inverse(v_add(v_set(1.0f), v_gate_power(v_min(v_set(120.0f), scaled))));
}

static VECTOR hyperbolic_tangent(VECTOR scaled)
{
    return v_fma(v_set(-2.0f), sigmoid(scaled), v_set(1.0f));
}

/* Compute the state of one node, for one block of units, from the recurrent side of its gates and from what it reads:
 * the sum of some rows. ``past`` and ``cell`` are the state of its parent; ``next_cell`` is for the LSTM. */
INLINE VECTOR advance(const int cell, const int activation, const float *recurrent, VECTOR *read, VECTOR past,
                      VECTOR past_cell, VECTOR *next_cell)
{
    if (cell == CELL_GRU) {
        /* r, z = σ(W_i x + b_i + W_h h + b_h)            reset and update gate */
        const VECTOR reset = sigmoid(v_add(read[0], v_load(recurrent)));
        const VECTOR update = v_gate_power(v_min(v_set(60.0f), v_add(read[1], v_load(recurrent + LANES))));
        /* n = tanh(W_in x + b_in + r ⊙ (W_hn h + b_hn))  candidate */
        const VECTOR inner = v_fma(reset, v_load(recurrent + 2 * LANES), read[2]);
        const VECTOR candidate = v_gate_power(v_min(v_set(60.0f), inner));
        /* h' = (1 − z) ⊙ n + z ⊙ h, where z = 1 / (1 + u) and n = (c − 1) / (c + 1): one division does for both,
         * h' = (u ⊙ (c − 1) + h ⊙ (c + 1)) / ((1 + u) ⊙ (1 + c)) */
        const VECTOR one = v_set(1.0f), more = v_add(candidate, one);
        const VECTOR sum = v_fma(update, v_sub(candidate, one), v_mul(past, more));
        return v_mul(sum, v_gate_inverse(v_mul(v_add(update, one), more)));
    }
    if (cell == CELL_LSTM) {
        /* i, f, o = σ(W_i x + b_i + W_h h + b_h), g = tanh(…) */
        const VECTOR input = sigmoid(v_add(read[0], v_load(recurrent)));
        const VECTOR forget = sigmoid(v_add(read[1], v_load(recurrent + LANES)));
        const VECTOR candidate = hyperbolic_tangent(v_add(read[2], v_load(recurrent + 2 * LANES)));
        const VECTOR output = sigmoid(v_add(read[3], v_load(recurrent + 3 * LANES)));
        /* c' = f ⊙ c + i ⊙ g */
        *next_cell = v_fma(forget, past_cell, v_mul(input, candidate));
        /* h' = o ⊙ tanh(c') */
        return v_mul(output, hyperbolic_tangent(v_mul(*next_cell, v_set(TWO_LOG2_E))));
    }
    /* h' = activation(W_ih x + b_ih + W_hh h + b_hh) */
    const VECTOR sum = v_add(read[0], v_load(recurrent));
    if (activation == ACTIVATION_TANH)
        return hyperbolic_tangent(sum);
    if (activation == ACTIVATION_SIGMOID)
        return sigmoid(sum);
    return activation == ACTIVATION_RELU ? v_max(v_set(0.0f), sum) : sum;
}

/* Ask for one block of the rows that some nodes read, which come from tables larger than the cache. */
INLINE void prefetch_rows(const elman_level *level, int from, int to, int64_t width, int64_t offset, int size)
{
    const int64_t bytes = level->short_table[0] ? sizeof(int16_t) : sizeof(float);
    for (int node = from; node < to; node++)
        for (int table = 1; table < level->tables; table++) {
            const int64_t row = level->rows[(int64_t)node * level->tables + table] * width + offset;
            const char *const numbers = bytes == sizeof(float) ? (const char *)(level->table[table] + row)
                                                               : (const char *)(level->short_table[table] + row);
            for (int64_t byte = 0; byte < size * bytes; byte += 64)
                PREFETCH(numbers + byte);
        }
}

/* Sum one block of what a node reads: a row of each table, given by its places, or its row of a product. */
INLINE void sum_rows(const elman_level *level, int node, int64_t width, int64_t offset, const int gates, VECTOR *read)
{
    const int32_t *const places = level->rows + (int64_t)node * level->tables;
    const float *numbers = level->table[0] + (level->rows ? places[0] : node) * width + offset;
    UNROLL for (int gate = 0; gate < gates; gate++)
        read[gate] = v_load(numbers + gate * LANES);
    for (int table = 1; table < level->tables; table++) {
        numbers = level->table[table] + places[table] * width + offset;
        UNROLL for (int gate = 0; gate < gates; gate++)
            read[gate] = v_add(read[gate], v_load(numbers + gate * LANES));
    }
}

#if defined(INTEGERS)
/* The same from tables in 16 bits. All of them have the same scale, so that sums are exact; those of two rows of n-grams
 * still have 16 bits. */
INLINE void sum_short_rows(const elman_level *level, int node, int64_t width, int64_t offset, const int gates,
                           VECTOR *read)
{
    const int32_t *const places = level->rows + (int64_t)node * level->tables;
    const int16_t *numbers = level->short_table[0] + places[0] * width + offset;
    INTEGERS sums[MOST_GATES];
    UNROLL for (int gate = 0; gate < gates; gate++)
        sums[gate] = i_shorts(numbers + gate * LANES);
    int table = 1;
    for (; table + 1 < level->tables; table += 2) {
        numbers = level->short_table[table] + places[table] * width + offset;
        const int16_t *const others = level->short_table[table + 1] + places[table + 1] * width + offset;
        UNROLL for (int gate = 0; gate < gates; gate++)
            sums[gate] = i_add(sums[gate], i_shorts_sum(numbers + gate * LANES, others + gate * LANES));
    }
    if (table < level->tables) {
        numbers = level->short_table[table] + places[table] * width + offset;
        UNROLL for (int gate = 0; gate < gates; gate++)
            sums[gate] = i_add(sums[gate], i_shorts(numbers + gate * LANES));
    }
    UNROLL for (int gate = 0; gate < gates; gate++)
        read[gate] = v_mul(i_floats(sums[gate]), v_load(level->short_scales + offset + gate * LANES));
}
#endif

/* Read one step of all nodes of a level through one layer. The cell is a constant where this is inlined. */
INLINE void read_level(const elman_layer *layer, const elman_level *level, const int cell, const int activation,
                       const int gates, const int group, const int has_shorts)
{
    const elman_matrix *matrix = &layer->recurrent;
    const int64_t stride = (int64_t)matrix->blocks * LANES, width = stride * gates;
    float sums[MOST_GROUP * MOST_GATES * LANES];
    for (int start = 0; start < level->parents; start += group) {
        const int count = level->parents - start < group ? level->parents - start : group;
        const int after = start + count + group < level->parents ? start + count + group : level->parents;
        const int32_t *first = level->first + start;
        const float *rows[MOST_GROUP];
        const multiplier multiply_rows = choose_multiplier(gates, count);
        point_to(rows, level->before, level->parent + start, stride, count, group);
#if defined(INTEGERS)
        const int16_t *short_rows[MOST_GROUP];
        for (int row = 0; row < group && has_shorts; row++)
            short_rows[row] = level->before_shorts + level->parent[start + (row < count ? row : count - 1)] * stride;
#endif
        for (int block = 0; block < matrix->blocks; block++) {
            const int64_t units = (int64_t)block * LANES;
            if (level->rows)
                prefetch_rows(level, first[count], level->first[after], width, units * gates, gates * LANES);
#if defined(INTEGERS)
            if (has_shorts)
                choose_short_multiplier(gates, count)(matrix, units * gates, short_rows, sums);
            else
#endif
                multiply_rows(matrix->weights + units * gates * matrix->inner, matrix->bias + units * gates, rows,
                              matrix->inner, sums, gates * LANES);
            for (int row = 0; row < count; row++) {
                const VECTOR past = v_load(rows[row] + units);
                VECTOR past_cell = past, next_cell = past;
                if (cell == CELL_LSTM)
                    past_cell = v_load(level->before_cell + level->parent[start + row] * stride + units);
                for (int node = first[row]; node < first[row + 1]; node++) {
                    VECTOR read[MOST_GATES];
#if defined(INTEGERS)
                    if (has_shorts && level->short_table[0])
                        sum_short_rows(level, node, width, units * gates, gates, read);
                    else
#endif
                        sum_rows(level, node, width, units * gates, gates, read);
                    const VECTOR state = advance(cell, activation, sums + row * gates * LANES, read, past, past_cell,
                                                 &next_cell);
                    v_store(level->after + node * stride + units, state);
#if defined(INTEGERS)
                    if (has_shorts)
                        v_store_shorts(level->after_shorts + node * stride + units, v_mul(state, v_set(SHORT_ONE)));
#endif
                    if (cell == CELL_LSTM)
                        v_store(level->after_cell + node * stride + units, next_cell);
                }
            }
        }
    }
}

/* Read one step through one layer, of which it is known whether it has shorts. */
INLINE void choose_cell(const elman_model *model, const elman_layer *layer, const elman_level *level,
                        const int has_shorts)
{
    if (model->cell == CELL_GRU)
        read_level(layer, level, CELL_GRU, ACTIVATION_TANH, 3, GROUP_3, has_shorts);
    else if (model->cell == CELL_LSTM)
        read_level(layer, level, CELL_LSTM, ACTIVATION_TANH, 4, GROUP_4, has_shorts);
    else if (model->activation == ACTIVATION_TANH)
        read_level(layer, level, CELL_ELMAN, ACTIVATION_TANH, 1, GROUP_1, has_shorts);
    else if (model->activation == ACTIVATION_SIGMOID)
        read_level(layer, level, CELL_ELMAN, ACTIVATION_SIGMOID, 1, GROUP_1, has_shorts);
    else if (has_shorts)
        return; /* the states of the others have no limit, so they have no shorts */
    else if (model->activation == ACTIVATION_RELU)
        read_level(layer, level, CELL_ELMAN, ACTIVATION_RELU, 1, GROUP_1, 0);
    else
        read_level(layer, level, CELL_ELMAN, ACTIVATION_NONE, 1, GROUP_1, 0);
}

static void step(const elman_model *model, const elman_layer *layer, const elman_level *level)
{
#if defined(INTEGERS)
    if (layer->recurrent.shorts) {
        choose_cell(model, layer, level, 1);
        return;
    }
#endif
    choose_cell(model, layer, level, 0);
}

INLINE void multiply_all(const elman_matrix *matrix, const float *rows, int64_t stride, int count, const int gates,
                         const int group, float *out)
{
    const int64_t width = (int64_t)matrix->blocks * gates * LANES;
    float sums[MOST_GROUP * MOST_GATES * LANES];
    const float *pointers[MOST_GROUP];
    for (int start = 0; start < count; start += group) {
        const int some = count - start < group ? count - start : group;
        const multiplier multiply_rows = choose_multiplier(gates, some);
        point_to(pointers, rows + start * stride, NULL, stride, some, group);
        for (int block = 0; block < matrix->blocks; block++) {
            const int64_t columns = (int64_t)block * gates * LANES;
            const float *const weights = matrix->weights + columns * matrix->inner, *const bias = matrix->bias + columns;
            if (some == group) {
                multiply_rows(weights, bias, pointers, matrix->inner, out + start * width + columns, width);
                continue;
            }
            multiply_rows(weights, bias, pointers, matrix->inner, sums, gates * LANES);
            for (int row = 0; row < some; row++)
                memcpy(out + (start + row) * width + columns, sums + row * gates * LANES,
                       sizeof(float) * (size_t)(gates * LANES));
        }
    }
}

#if defined(INTEGERS)
/* Write a row in 16 bits: each chunk of it as shares of its largest number, and what makes them values. Returns 0 if a
 * number is NaN or infinite. */
static int shorten_row(const float *row, int inner, int16_t *shorts, float *scales)
{
    VECTOR zero = v_set(0.0f);
    for (int start = 0; start < inner; start += CHUNK) {
        const int end = start + CHUNK < inner ? start + CHUNK : inner;
        VECTOR most = v_set(1e-30f);
        for (int number = start; number < end; number += LANES) {
            const VECTOR x = v_load(row + number);
            most = v_max(most, v_max(x, v_sub(v_set(0.0f), x)));
            zero = v_fma(x, v_set(0.0f), zero); /* or NaN */
        }
        const float largest = v_largest(most);
        for (int number = start; number < end; number += LANES)
            v_store_shorts(shorts + number, v_mul(v_load(row + number), v_set(WIDE_ONE / largest)));
        scales[start / CHUNK] = largest;
    }
    return v_largest(zero) == 0 && -v_largest(v_sub(v_set(0.0f), zero)) == 0;
}

/* As multiply_shorts, for rows with a scale for each chunk, whose sums are added up in floats. */
INLINE void multiply_chunks(const elman_matrix *matrix, int64_t column, const int16_t *const *rows,
                            const float *row_scales, const int size, float *restrict out, int64_t stride)
{
    const int pairs = (matrix->inner + 1) / 2, chunks = (matrix->inner + CHUNK - 1) / CHUNK;
    const int16_t *weights = matrix->shorts + 2 * column * pairs;
    VECTOR totals[MOST_GROUP * 2];
    UNROLL for (int sum = 0; sum < size * 2; sum++)
        totals[sum] = v_load(matrix->bias + column + sum % 2 * LANES);
    for (int start = 0; start < pairs; start += CHUNK / 2) {
        const int end = start + CHUNK / 2 < pairs ? start + CHUNK / 2 : pairs;
        INTEGERS sums[MOST_GROUP * 2];
        UNROLL for (int sum = 0; sum < size * 2; sum++)
            sums[sum] = i_zero();
        for (int pair = start; pair < end; pair++, weights += 4 * LANES) {
            const INTEGERS first = i_load(weights), second = i_load(weights + 2 * LANES);
            UNROLL for (int row = 0; row < size; row++) {
                const INTEGERS numbers = i_pair(rows[row] + 2 * pair);
                sums[row * 2] = i_dot(sums[row * 2], numbers, first);
                sums[row * 2 + 1] = i_dot(sums[row * 2 + 1], numbers, second);
            }
        }
        const float *const scales = matrix->scales + column * chunks + (int64_t)(2 * start / CHUNK) * 2 * LANES;
        UNROLL for (int sum = 0; sum < size * 2; sum++) {
            const VECTOR of_row = v_set(row_scales[sum / 2 * MOST_CHUNKS + 2 * start / CHUNK]);
            const VECTOR scale = v_mul(of_row, v_load(scales + sum % 2 * LANES));
            totals[sum] = v_fma(scale, i_floats(sums[sum]), totals[sum]);
        }
    }
    UNROLL for (int row = 0; row < size; row++)
        UNROLL for (int half = 0; half < 2; half++)
            v_store(out + row * stride + half * LANES, totals[row * 2 + half]);
}

enum { GROUP_WIDE = 6 }; /* rows: their sums in integers and in floats have registers */

NOINLINE void multiply_wide_1(const elman_matrix *matrix, int64_t column, const int16_t *const *rows,
                              const float *scales, float *out, int64_t stride)
{
    multiply_chunks(matrix, column, rows, scales, 1, out, stride);
}

NOINLINE void multiply_wide_all(const elman_matrix *matrix, int64_t column, const int16_t *const *rows,
                                const float *scales, float *out, int64_t stride)
{
    multiply_chunks(matrix, column, rows, scales, GROUP_WIDE, out, stride);
}

/* Write rows · weights + bias from products of 16-bit numbers. Returns 0 if a number of a row is NaN or infinite. */
static int multiply_wide(const elman_matrix *matrix, const float *rows, int64_t stride, int count, float *out)
{
    const int64_t width = (int64_t)matrix->blocks * 2 * LANES;
    int16_t shorts[GROUP_WIDE][LARGEST_WIDE];
    float sums[GROUP_WIDE * 2 * LANES], scales[GROUP_WIDE * MOST_CHUNKS] = {0};
    const int16_t *pointers[GROUP_WIDE];
    for (int start = 0; start < count; start += GROUP_WIDE) {
        const int some = count - start < GROUP_WIDE ? count - start : GROUP_WIDE;
        for (int row = 0; row < GROUP_WIDE; row++) {
            pointers[row] = shorts[row < some ? row : some - 1];
            if (row < some && !shorten_row(rows + (start + row) * stride, matrix->inner, shorts[row],
                                          scales + row * MOST_CHUNKS))
                return 0;
        }
        for (int block = 0; block < matrix->blocks; block++) {
            const int64_t columns = (int64_t)block * 2 * LANES;
            float *const own = out + start * width + columns;
            if (some == GROUP_WIDE) {
                multiply_wide_all(matrix, columns, pointers, scales, own, width);
                continue;
            }
            (some == 1 ? multiply_wide_1 : multiply_wide_all)(matrix, columns, pointers, scales, sums, 2 * LANES);
            for (int row = 0; row < some; row++)
                memcpy(own + row * width, sums + row * 2 * LANES, sizeof(float) * 2 * LANES);
        }
    }
    return 1;
}
#endif

/* Write rows · weights + bias to ``out``, [count][blocks][gates][lanes]. */
static void multiply(const elman_matrix *matrix, const float *rows, int64_t stride, int32_t count, float *out)
{
#if defined(INTEGERS)
    if (matrix->shorts && matrix->gates == 2 && multiply_wide(matrix, rows, stride, count, out))
        return;
#endif
    if (matrix->gates == 2)
        multiply_all(matrix, rows, stride, count, 2, GROUP_2, out);
    else if (matrix->gates == 3)
        multiply_all(matrix, rows, stride, count, 3, GROUP_3, out);
    else if (matrix->gates == 4)
        multiply_all(matrix, rows, stride, count, 4, GROUP_4, out);
    else
        multiply_all(matrix, rows, stride, count, 1, GROUP_1, out);
}

/* Add a row of a table to a sum. */
static void add_row(const elman_table *table, int64_t row, float *sum)
{
    const int64_t size = table->size, whole = size / LANES * LANES;
    if (table->bytes) {
        const int8_t *const bytes = table->bytes + row * size;
        const float scale = table->scales[row];
        for (int64_t number = 0; number < whole; number += LANES)
            v_store(sum + number, v_fma(v_set(scale), v_bytes(bytes + number), v_load(sum + number)));
        for (int64_t number = whole; number < size; number++)
            sum[number] += scale * bytes[number];
    } else {
        const float *const floats = table->floats + row * size;
        for (int64_t number = 0; number < whole; number += LANES)
            v_store(sum + number, v_add(v_load(floats + number), v_load(sum + number)));
        for (int64_t number = whole; number < size; number++)
            sum[number] += floats[number];
    }
}

/* Add rows of the bag to the sums of some parts, [parts][padded size]. */
static void add_rows(const elman_wholes *wholes, const int32_t *rows, const uint8_t *parts, int32_t count, float *sums)
{
    const int64_t padded = (wholes->size + LANES - 1) / LANES * LANES;
    for (int32_t one = 0; one < count; one++) {
        float *const sum = sums + parts[one] * padded;
        if (wholes->bytes) {
            const int8_t *const row = wholes->bytes + rows[one] * padded;
            const VECTOR scale = v_set(wholes->scales[rows[one]]);
            for (int64_t number = 0; number < padded; number += LANES)
                v_store(sum + number, v_fma(scale, v_bytes(row + number), v_load(sum + number)));
        } else {
            const elman_table table = {wholes->rows, NULL, NULL, wholes->size};
            add_row(&table, rows[one], sum);
        }
    }
}

/* Write the best labels of one string and their probabilities: the softmax of logits / temperature, with a floor. They are
 * filled up to whole vectors with the lowest number. All probabilities are NaN if a logit is NaN, or the largest infinite;
 * equal labels are in their order. */
static void find_best(const float *logits, int32_t answers, const elman_output *wanted, int32_t *labels,
                      double *chances)
{
    float best[MOST_TOP] = {0}, parts[LANES], total = 0;
    const int top = wanted->top;
    int found = 0;
    for (int32_t label = 0; label < answers; label++) {
        const float logit = logits[label];
        if (found == top && !(logit > best[top - 1]))
            continue;
        int place = found < top ? found++ : top - 1;
        for (; place > 0 && logit > best[place - 1]; place--) {
            best[place] = best[place - 1];
            labels[place] = labels[place - 1];
        }
        best[place] = logit;
        labels[place] = label;
    }
    const VECTOR scale = v_set(LOG2_E / wanted->temperature), largest = v_set(best[0]);
    VECTOR sum = v_set(0.0f);
    for (int32_t label = 0; label < answers; label += LANES) {
        const VECTOR power = v_mul(scale, v_sub(v_load(logits + label), largest));
        sum = v_add(sum, v_power(v_max(v_set(-126.0f), power)));
    }
    v_store(parts, sum);
    for (int lane = 0; lane < LANES; lane++)
        total += parts[lane];
    for (int place = 0; place < top; place++) {
        const double share = exp(((double)best[place] - best[0]) / wanted->temperature) / total;
        chances[place] = isnan(total) ? NAN : (1 - wanted->floor) * share + wanted->floor / answers;
        if (isnan(total))
            labels[place] = place;
    }
}

/* Return the largest of some numbers, of which there are whole vectors; any of them if one is NaN. */
static float find_largest(const float *numbers, int32_t count)
{
    float parts[LANES], largest;
    VECTOR most = v_load(numbers);
    for (int32_t one = LANES; one < count; one += LANES)
        most = v_max(v_load(numbers + one), most);
    v_store(parts, most);
    largest = parts[0];
    for (int lane = 1; lane < LANES; lane++)
        largest = parts[lane] > largest ? parts[lane] : largest;
    return largest;
}

/* Replace numbers by e^((number − largest) / temperature), and find the place of the first of the largest. Returns the sum
 * of the others; NaN if a number is NaN. The count is a multiple of the lanes. */
static double find_exponentials(float *numbers, int32_t count, float temperature, int32_t *first)
{
    const float largest = find_largest(numbers, count);
    const VECTOR scale = v_set(LOG2_E / temperature), from = v_set(largest);
    float parts[LANES], own = 0;
    double total = 0;
    VECTOR sum = v_set(0.0f);
    int32_t place = 0;
    while (place < count - 1 && numbers[place] != largest)
        place++;
    *first = place;
    for (int32_t one = 0; one < count; one += LANES) {
        const VECTOR power = v_power(v_max(v_set(-126.0f), v_mul(scale, v_sub(v_load(numbers + one), from))));
        v_store(numbers + one, power);
        if (place >= one && place < one + LANES) {
            own = numbers[place];
            numbers[place] = 0;
        }
        sum = v_add(sum, v_load(numbers + one));
    }
    numbers[place] = own;
    v_store(parts, sum);
    for (int lane = 0; lane < LANES; lane++)
        total += parts[lane];
    return total;
}

const elman_routines ROUTINES = {ROUTINES_NAME, LANES, BITS, step, multiply, add_row, add_rows, find_best,
                                 find_exponentials};
