/* Strings: sorting them by their beginnings or endings, and what two of them have in common. */
#include "kernel.h"

#include <string.h>

/* A string and its next symbols as one number: the first symbol is highest, and 0 is for the end of the string. */
typedef struct {
    uint64_t symbols;
    int64_t place;
} key;

enum { FEW = 24 }; /* the most keys that are sorted by insertion */

INLINE int32_t symbol_at(const elman_strings *strings, int64_t place, int64_t step, int backwards)
{
    const int64_t start = strings->starts[place], last = strings->lengths[place] - 1;
    return strings->ids[start + (backwards ? last - step : step)];
}

/* Return how many symbols two strings have in common at their beginnings, or at their ends if ``backwards``. */
int64_t count_shared(const elman_strings *strings, int64_t one, int64_t other, int backwards)
{
    const int64_t length = strings->lengths[one], limit = strings->lengths[other];
    int64_t step = 0;
    while (step < length && step < limit &&
           symbol_at(strings, one, step, backwards) == symbol_at(strings, other, step, backwards))
        step++;
    return step;
}

/* Check that every string has a symbol, and that every symbol is one of the model's: ids that come from outside must not
 * lead out of a table. */
int32_t elman_check(const elman_strings *strings, int32_t symbols, int64_t count)
{
    for (int64_t place = 0; place < count; place++) {
        if (strings->lengths[place] < 1)
            return STATUS_EMPTY;
        for (int64_t step = 0; step < strings->lengths[place]; step++)
            if ((uint32_t)strings->ids[strings->starts[place] + step] >= (uint32_t)symbols)
                return STATUS_BAD_SYMBOL;
    }
    return STATUS_DONE;
}

/* Return how many bits a symbol takes in a key, in which it is one higher than its id. */
static int count_bits(int32_t symbols)
{
    int bits = 1;
    while ((INT64_C(1) << bits) <= symbols)
        bits++;
    return bits;
}

static uint64_t read_key(const elman_strings *strings, int64_t place, int64_t from, int bits, int backwards)
{
    uint64_t symbols = 0;
    const int64_t length = strings->lengths[place];
    for (int64_t step = from; step < from + 64 / bits; step++)
        symbols = symbols << bits | (step < length ? (uint64_t)symbol_at(strings, place, step, backwards) + 1 : 0);
    return symbols;
}

static void sort_few(key *keys, int64_t count)
{
    for (int64_t one = 1; one < count; one++) {
        const key moved = keys[one];
        int64_t place = one;
        for (; place > 0 && keys[place - 1].symbols > moved.symbols; place--)
            keys[place] = keys[place - 1];
        keys[place] = moved;
    }
}

/* Sort keys byte by byte, the lowest first. A byte that is the same everywhere takes no pass. */
static void sort_many(key *keys, key *spare, int64_t count)
{
    key *from = keys, *to = spare;
    for (int shift = 0; shift < 64; shift += 8) {
        int64_t starts[257] = {0};
        for (int64_t one = 0; one < count; one++)
            starts[(from[one].symbols >> shift & 255) + 1]++;
        if (starts[(from[0].symbols >> shift & 255) + 1] == count)
            continue;
        for (int byte = 0; byte < 255; byte++)
            starts[byte + 1] += starts[byte];
        for (int64_t one = 0; one < count; one++)
            to[starts[from[one].symbols >> shift & 255]++] = from[one];
        key *const other = from;
        from = to;
        to = other;
    }
    if (from != keys)
        memcpy(keys, from, sizeof *keys * (size_t)count);
}

static void sort_keys(key *keys, key *spare, int64_t count)
{
    if (count <= FEW)
        sort_few(keys, count);
    else
        sort_many(keys, spare, count);
}

/* Sort strings that are equal before the symbol ``from``, and then those that are still equal, deeper. The last such
 * run is sorted by the same call: the depth of calls is at most the logarithm of the number of strings, because the
 * longest run is the last to be sorted. */
static void sort_from(const elman_strings *strings, key *keys, key *spare, int64_t count, int64_t from, int bits,
                      int backwards)
{
    while (count > 1) {
        for (int64_t one = 0; one < count; one++)
            keys[one].symbols = read_key(strings, keys[one].place, from, bits, backwards);
        sort_keys(keys, spare, count);
        from += 64 / bits;
        int64_t longest = 0, longest_size = 0;
        for (int64_t start = 0, end; start < count; start = end) {
            for (end = start + 1; end < count && keys[end].symbols == keys[start].symbols; end++)
                ;
            const int has_more = strings->lengths[keys[start].place] > from; /* or they are equal to their ends */
            const int64_t size = has_more ? end - start : 0;
            if (size > longest_size) { /* the one that was longest until now is sorted at once */
                sort_from(strings, keys + longest, spare, longest_size, from, bits, backwards);
                longest = start;
                longest_size = size;
            } else {
                sort_from(strings, keys + start, spare, size, from, bits, backwards);
            }
        }
        keys += longest;
        count = longest_size;
    }
}

/* Return the bytes of memory that sorting needs. */
int64_t elman_sorting_size(int64_t count)
{
    return 2 * count * (int64_t)sizeof(key);
}

/* Sort the places in ``order`` so that strings with a common beginning (or end, if ``backwards``) are adjacent, and
 * equal strings too. Memory has elman_sorting_size bytes. */
void elman_sort(const elman_strings *strings, int32_t symbols, int32_t backwards, int64_t count, int64_t *order,
                void *memory)
{
    key *keys = memory;
    for (int64_t one = 0; one < count; one++)
        keys[one].place = order[one];
    sort_from(strings, keys, keys + count, count, 0, count_bits(symbols), backwards);
    for (int64_t one = 0; one < count; one++)
        order[one] = keys[one].place;
}
