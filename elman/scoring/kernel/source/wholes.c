/* Wholes: what reads whole strings, the bag of n-grams and words and the table of words. */
#include "kernel.h"

#include <math.h>
#include <string.h>

/* As in elman/text/ngrams.py: what makes a code of a word, or of a pair of adjacent words. */
static const uint64_t WORD = UINT64_C(1442695040888963407), PAIR = UINT64_C(3935559000370003845);

enum { NO_ROW = -1, NOT_FOUND_YET = -2 };

INLINE int64_t find_slot(uint64_t code, int64_t mask)
{
    return (int64_t)((code * MULTIPLIER) >> 32) & mask; /* the high bits are mixed best */
}

/* Fill the index of some codes. There are more slots than codes, a power of two. */
void elman_index(const int64_t *codes, int64_t count, elman_slot *slots, int64_t mask)
{
    for (int64_t slot = 0; slot <= mask; slot++)
        slots[slot] = (elman_slot){0, NO_ROW};
    for (int64_t row = 0; row < count; row++) {
        int64_t slot = find_slot((uint64_t)codes[row], mask);
        while (slots[slot].row != NO_ROW)
            slot = (slot + 1) & mask;
        slots[slot] = (elman_slot){codes[row], row};
    }
}

/* Return the row of a code; NO_ROW if the bag does not have it. */
static int32_t find_row(const elman_wholes *wholes, uint64_t code)
{
    int64_t slot = find_slot(code, wholes->mask);
    while (wholes->slots[slot].row != NO_ROW && wholes->slots[slot].code != (int64_t)code)
        slot = (slot + 1) & wholes->mask;
    return (int32_t)wholes->slots[slot].row;
}

/* Write the codes of the n-grams that end at a step, and ask for their slots, which are rarely in the nearest cache; the
 * step after the last symbol is the edge. */
static void find_codes(const elman_wholes *wholes, const int32_t *ids, int64_t length, int64_t step, uint64_t *codes,
                       int32_t *rows)
{
    ngram_sum sum = {0, 1, 0};
    for (int32_t one = 0; one < wholes->order_count; one++) {
        const int32_t order = wholes->orders[one];
        rows[one] = NO_ROW;
        if (order == 1 ? step == length : step + 2 < order) /* the edge alone, or more than one symbol before it */
            continue;
        codes[one] = find_code(&sum, ids, length, step, order);
        PREFETCH(wholes->slots + find_slot(codes[one], wholes->mask));
        rows[one] = NOT_FOUND_YET;
    }
}

/* Write the rows of n-grams whose codes are known. */
static void find_known_rows(const elman_wholes *wholes, const uint64_t *codes, int32_t *rows)
{
    for (int32_t one = 0; one < wholes->order_count; one++)
        if (rows[one] == NOT_FOUND_YET)
            rows[one] = find_row(wholes, codes[one]);
}

static int64_t count_separators(const elman_wholes *wholes, const int32_t *ids, int64_t length)
{
    int64_t count = 0;
    for (int64_t step = 0; step < length; step++)
        count += ids[step] == wholes->separator;
    return count;
}

/* Return the part of a string in which a word is: 0 for its first word, 2 for its last, 1 for those between. */
static int find_part(const elman_wholes *wholes, int64_t word, int64_t last)
{
    return wholes->parts == 1 || word == 0 ? 0 : word == last ? 2 : 1;
}

static void prefetch_row(const elman_wholes *wholes, int32_t row, int64_t padded)
{
    const char *const address = wholes->bytes ? (const char *)(wholes->bytes + row * padded)
                                              : (const char *)(wholes->rows + row * (int64_t)wholes->size);
    const int64_t size = wholes->bytes ? padded : wholes->size * (int64_t)sizeof(float);
    for (int64_t byte = 0; byte < size; byte += 64)
        PREFETCH(address + byte);
}

/* Ask for the slots of the words of a string; see sum_words. */
static void prefetch_words(const elman_wholes *wholes, const int32_t *ids, int64_t length)
{
    uint64_t word = 0, before = 0;
    for (int64_t step = 0; step < length; step++) {
        const int ends = step + 1 == length || ids[step + 1] == wholes->separator;
        word = word * MULTIPLIER + (uint64_t)(ids[step] + 2);
        if (ids[step] == wholes->separator)
            word = 0;
        else if (ends) {
            PREFETCH(wholes->slots + find_slot(word * MULTIPLIER + WORD, wholes->mask));
            PREFETCH(wholes->slots + find_slot((before * MULTIPLIER + word) * MULTIPLIER + PAIR, wholes->mask));
            before = word;
        }
    }
}

/* Add the rows of the words and of the pairs of adjacent words. */
static void sum_words(const elman_model *model, const int32_t *ids, int64_t length, int64_t last, float *sums)
{
    const elman_wholes *const wholes = &model->wholes;
    uint64_t word = 0, before = 0;
    int64_t number = 0;
    for (int64_t step = 0, words = 0; step < length; step++) {
        if (ids[step] == wholes->separator) {
            number++;
            continue;
        }
        word = word * MULTIPLIER + (uint64_t)(ids[step] + 2);
        if (step + 1 < length && ids[step + 1] != wholes->separator)
            continue;
        const uint64_t codes[] = {word * MULTIPLIER + WORD, (before * MULTIPLIER + word) * MULTIPLIER + PAIR};
        for (int one = 0; one < (words ? 2 : 1); one++) {
            const int32_t row = find_row(wholes, codes[one]);
            const uint8_t part = (uint8_t)find_part(wholes, number, last);
            if (row != NO_ROW)
                model->routines->add_rows(wholes, &row, &part, 1, sums);
        }
        before = word;
        word = 0;
        words++;
    }
}

/* Write the scaled sums of the rows of the n-grams and words of a string, [parts][padded size].
 *
 * Memory keeps the rows of the first steps: a string that shares ``shared`` symbols with the one before it looks up
 * only the others. */
void sum_ngrams(const elman_model *model, const int32_t *ids, int64_t length, int64_t shared,
                elman_wholes_memory *memory, float *sums)
{
    const elman_wholes *const wholes = &model->wholes;
    const int64_t lanes = model->routines->lanes, padded = (wholes->size + lanes - 1) / lanes * lanes;
    const int64_t last = wholes->parts > 1 ? count_separators(wholes, ids, length) : 0;
    int64_t word = 0, ngrams = 0;
    memset(sums, 0, sizeof(float) * (size_t)(wholes->parts * padded));
    if (wholes->separator >= 0)
        prefetch_words(wholes, ids, length);
    for (int64_t start = 0; start <= length; start += WHOLE_STEPS) {
        const int64_t steps = smaller(WHOLE_STEPS, length + 1 - start);
        const int64_t known = start ? 0 : smaller(shared, steps);
        int32_t found = 0, (*const rows_of)[MOST_ORDERS] = memory->rows[start > 0];
        for (int64_t step = known; step < steps; step++)
            find_codes(wholes, ids, length, start + step, memory->codes[step], rows_of[step]);
        for (int64_t step = start; step < start + steps; step++) {
            int32_t *const rows = rows_of[step - start];
            const uint8_t part = (uint8_t)find_part(wholes, word, last);
            find_known_rows(wholes, memory->codes[step - start], rows);
            for (int32_t one = 0; one < wholes->order_count; one++)
                if (rows[one] != NO_ROW) {
                    prefetch_row(wholes, rows[one], padded);
                    memory->parts[found] = part;
                    memory->found[found++] = rows[one];
                }
            word += step < length && ids[step] == wholes->separator;
        }
        model->routines->add_rows(wholes, memory->found, memory->parts, found, sums);
    }
    if (wholes->separator >= 0)
        sum_words(model, ids, length, last, sums);
    for (int32_t one = 0; one < wholes->order_count; one++) {
        const int64_t order = wholes->orders[one], count = order == 1 ? length : length + 3 - order;
        ngrams += count > 0 ? count : 0;
    }
    const float scale = (float)(wholes->scale / sqrt((double)(ngrams ? ngrams : 1)));
    for (int64_t number = 0; number < wholes->parts * padded; number++)
        sums[number] *= scale;
}

/* Add the rows of the first and of the last word of a string to its features, [2][size of a row]. */
void add_words(const elman_model *model, const int32_t *ids, int64_t length, float *features)
{
    const elman_wholes *const wholes = &model->wholes;
    uint64_t word = 0, codes[2] = {0, 0};
    for (int64_t step = 0, words = 0; step < length; step++) {
        if (ids[step] == wholes->separator)
            continue;
        word = word * MULTIPLIER + (uint64_t)(ids[step] + 2);
        if (step + 1 < length && ids[step + 1] != wholes->separator)
            continue;
        codes[1] = word * MULTIPLIER + WORD;
        if (words++ == 0)
            codes[0] = codes[1];
        word = 0;
    }
    for (int one = 0; one < 2; one++)
        model->routines->add_row(&wholes->words, find_bucket(codes[one], wholes->word_buckets),
                                 features + one * wholes->words.size);
}
