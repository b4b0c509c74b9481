/* The scoring kernel: what Python calls, and what its files share.
 *
 * Strings of symbol ids are sorted, so that common beginnings (or endings) are adjacent and are read once: level by
 * level they form a trie, and a cell reads all nodes of a level together. elman/scoring/trie.py does the same in numpy
 * and says more; elman/scoring/reference.py has the equations, written to be read.
 *
 * Nothing here allocates memory, writes to a model, or keeps anything from call to call: Python passes in all memory,
 * and several threads can use one model.
 */
#ifndef ELMAN_KERNEL_H
#define ELMAN_KERNEL_H

#include <stdint.h>

#define ELMAN_ABI 5 /* as in library.py; to be raised when a structure or a function changes */

#if defined(_WIN32)
#define EXPORT __declspec(dllexport)
#elif defined(__GNUC__)
#define EXPORT __attribute__((visibility("default")))
#else
#define EXPORT
#endif

#if defined(__GNUC__)
#define INLINE static inline __attribute__((always_inline))
#define NOINLINE static __attribute__((noinline))
#define PREFETCH(address) __builtin_prefetch(address)
#else
#define INLINE static inline
#define NOINLINE static
#define PREFETCH(address) ((void)(address))
#endif

enum { MOST_ORDERS = 32, MOST_TABLES = MOST_ORDERS + 1, MOST_TOP = 32, MOST_PARTS = 3 };
enum { SHORT_ONE = 8192 }; /* as in packing.py: 1 in 16 bits */
/* The same for chunks of rows of any numbers; see elman_matrix. */
enum { WIDE_ONE = 16384, CHUNK = 32, LARGEST_WIDE = 1024, MOST_CHUNKS = LARGEST_WIDE / CHUNK };
enum { CELL_ELMAN, CELL_GRU, CELL_LSTM };
enum { ACTIVATION_TANH, ACTIVATION_RELU, ACTIVATION_SIGMOID, ACTIVATION_NONE };
enum { STATUS_DONE, STATUS_BAD_SYMBOL, STATUS_EMPTY };

/* A matrix that some rows are multiplied with. The columns are cut into blocks of ``gates`` × lanes; the numbers that
 * one step of the innermost loop needs are adjacent: [blocks][inner][gates][lanes], the bias [blocks][gates][lanes].
 * Columns that fill the last block are 0.
 *
 * Shorts are the same weights in 16 bits, for states between −1 and 1 that are multiplied with SHORT_ONE and rounded:
 * [blocks][pairs of inner][gates][lanes][2]. Each column has a scale; it is so small that no sum passes 32 bits. Rows that
 * can have any numbers, those that a head reads, are cut into chunks of CHUNK numbers, of which there are at most
 * LARGEST_WIDE; each chunk is multiplied so that its largest number is WIDE_ONE, and summed by itself. A matrix of two gates
 * is read so; its scales are [blocks][chunks][gates][lanes]. */
typedef struct {
    const float *weights, *bias;
    const int16_t *shorts; /* NULL: there are none, as for states that may be larger */
    const float *scales;   /* what makes the sum of a column its value, [blocks][gates][lanes] */
    int32_t gates, inner, blocks;
} elman_matrix;

/* One layer in one direction. Weights and biases are scaled so that the gates are powers of 2; see cells.h. */
typedef struct {
    elman_matrix recurrent;
    elman_matrix input; /* of what the layer reads; not used in the first layer if there are tables */
} elman_layer;

/* A table of rows of ``size`` numbers: floats, or bytes with a scale for each row; the others are NULL. */
typedef struct {
    const float *floats;
    const int8_t *bytes;
    const float *scales;
    int64_t size;
} elman_table;

/* A place in the index of the n-grams and words of a bag: its code and its row; the row −1 is an empty place. */
typedef struct {
    int64_t code, row;
} elman_slot;

/* What reads whole strings, beside the cells: the bag of n-grams and words, and the table of first and last words. See
 * elman/text/ngrams.py for the codes, and elman/scoring/lookups.py for what is done with the rows. */
typedef struct {
    const elman_slot *slots; /* [mask + 1] */
    const float *rows;       /* [·][size]: what each n-gram adds; not used if there are bytes */
    const int8_t *bytes;     /* the same in 8 bits, [·][padded size], and the scale of each row; NULL: in floats only */
    const float *scales;
    elman_matrix hidden;     /* of the sums of all parts, [parts][padded size]; without weights: no hidden layer */
    elman_table words;       /* [word_buckets]; of rows without numbers: no table of words */
    int64_t mask, word_buckets;
    float scale;
    int32_t size, parts, separator; /* separator: −1 if there is none */
    int32_t adds_logits;            /* whether the sum itself is added to the logits, rather than read by the head */
    int32_t order_count, orders[MOST_ORDERS];
} elman_wholes;

/* The network. What a step reads is the sum of the embeddings of its symbol and of its n-grams, times the input weights
 * of the first layer. Tables have these products, [blocks][gates][lanes] for each symbol and each bucket of hashed
 * n-grams, so that a step only adds rows. Without tables, which take time to make and memory, it is multiplied. */
typedef struct elman_model {
    const struct elman_routines *routines;
    const elman_layer *layers;             /* [directions][layers] */
    const float *embedding;                      /* [symbols][embedding_size] */
    elman_table ngrams;                          /* [buckets], of the same size */
    const float *symbol_rows[2], *ngram_rows[2]; /* the tables of each direction; NULL: there are none */
    const int16_t *symbol_shorts[2], *ngram_shorts[2]; /* the same in 16 bits, which are read in their place; or NULL */
    const float *short_scales[2];                      /* what makes a number of a column its value; as a row */
    elman_wholes wholes;
    elman_matrix head; /* of the features of a string, each part filled up to whole vectors: the final states of all
                          directions, the sum of the bag, its hidden units, and the rows of two words */
    int64_t buckets;
    int32_t cell, activation, hidden_size, embedding_size, layer_count, directions, symbols, answers;
    int32_t order_count, orders[MOST_ORDERS];
} elman_model;

/* Strings one after the other, as elman.text.encoded.EncodedStrings has them. */
typedef struct {
    const int32_t *ids;
    const int64_t *starts, *lengths;
} elman_strings;

/* What is wanted of each string: its logits, or its best labels and their probabilities; the others are NULL. */
typedef struct {
    float *logits;     /* [N][answers] */
    int32_t *labels;   /* [N][top] */
    double *chances;   /* [N][top] */
    double floor;      /* the share of all answers that is spread evenly over the labels */
    int32_t top;       /* at most MOST_TOP, and at most the number of answers */
    float temperature;
    int32_t by_order;  /* whether row k is of the k-th string of the order, not of string k */
} elman_output;

/* The nodes of one level of the trie, for one layer. */
typedef struct {
    int32_t parents, tables;
    const int32_t *parent;   /* [parents]: rows of ``before`` that have children, rising */
    const int32_t *first;    /* [parents + 1]: the first node of each; the nodes of a parent are adjacent */
    const float *before, *before_cell; /* states one level up, [·][stride] */
    float *after, *after_cell;         /* states of the nodes, [nodes][stride] */
    const int16_t *before_shorts;      /* the states in 16 bits, if the layer has shorts */
    int16_t *after_shorts;
    const float *table[MOST_TABLES];   /* of rows [blocks][gates][lanes] */
    const int16_t *short_table[MOST_TABLES]; /* the same in 16 bits; the first is NULL: they are in floats */
    const float *short_scales;               /* of the columns of short tables, as a row */
    const int32_t *rows;               /* [nodes][tables]: what each node reads; NULL: node k reads row k */
} elman_level;

/* What becomes of each character: its kind, and its ids after normalisation, [size][MOST_LETTERS]. */
enum { LONGEST_TEXT = 44, MOST_LETTERS = 4 };
enum { CHARACTER_OTHER, CHARACTER_SPACE, CHARACTER_LETTERS };
enum { TEXT_READ, TEXT_ASK, TEXT_BLANK };
typedef struct {
    const uint8_t *kinds, *counts, *is_evidence; /* of each character; how many ids it has; of each symbol */
    const int32_t *ids;
    const uint64_t *placeholders; /* codes of what says that there is no name */
    int32_t size, space, placeholder_count;
} elman_alphabet;

/* Texts one after the other; text k begins at starts[k] and ends at starts[k + 1], in units of the width: 1 for bytes
 * that are characters, 4 for UTF-32; or in bytes of UTF-8, with the width 0. */
typedef struct {
    const uint8_t *data;
    const int64_t *starts;
    int32_t width;
} elman_texts;

/* What is compiled for each instruction set. The lanes are the numbers in a vector; the bits are those of the numbers in
 * the products of recurrent layers, 32 or 16. */
typedef struct elman_routines {
    const char *name;
    int32_t lanes, bits;
    void (*step)(const elman_model *, const elman_layer *, const elman_level *);
    void (*multiply)(const elman_matrix *, const float *rows, int64_t stride, int32_t count, float *out);
    void (*add_row)(const elman_table *, int64_t row, float *sum);
    void (*add_rows)(const elman_wholes *, const int32_t *rows, const uint8_t *parts, int32_t count, float *sums);
    void (*best)(const float *logits, int32_t answers, const elman_output *, int32_t *labels, double *chances);
    double (*exponentials)(float *numbers, int32_t count, float temperature, int32_t *first);
} elman_routines;

#define MULTIPLIER UINT64_C(6364136223846793005) /* as in elman/text/ngrams.py */
enum { EDGE = -1 };                              /* the id of what comes before the first symbol and after the last */

INLINE int64_t smaller(int64_t one, int64_t other)
{
    return one < other ? one : other;
}

/* Return the bucket of a code, as find_buckets in elman/text/ngrams.py does. */
INLINE int64_t find_bucket(uint64_t code, int64_t buckets)
{
    const int64_t mixed = (int64_t)(code * MULTIPLIER) >> 33;
    if ((buckets & (buckets - 1)) == 0) /* a power of two, as it usually is: no division */
        return mixed & (buckets - 1);
    const int64_t bucket = mixed % buckets;
    return bucket < 0 ? bucket + buckets : bucket;
}

/* The n-grams that end at a step, one after the other: the code of one is n · M^n + Σ (symbol + 2) · M^k, where k counts
 * from its last symbol, as in elman/text/ngrams.py; a longer one continues the sum. It begins as {0, 1, 0}. */
typedef struct {
    uint64_t sum, power;
    int32_t symbols;
} ngram_sum;

INLINE uint64_t find_code(ngram_sum *of, const int32_t *ids, int64_t length, int64_t step, int32_t order)
{
    if (order < of->symbols)
        *of = (ngram_sum){0, 1, 0};
    for (; of->symbols < order; of->symbols++) {
        const int64_t place = step - of->symbols;
        of->sum += of->power * (uint64_t)((place >= 0 && place < length ? (int64_t)ids[place] : EDGE) + 2);
        of->power *= MULTIPLIER;
    }
    return (uint64_t)order * of->power + of->sum;
}

/* strings.c */
EXPORT int64_t elman_sorting_size(int64_t count);
EXPORT void elman_sort(const elman_strings *, int32_t symbols, int32_t backwards, int64_t count, int64_t *order,
                       void *memory);
EXPORT int32_t elman_check(const elman_strings *, int32_t symbols, int64_t count);
int64_t count_shared(const elman_strings *, int64_t one, int64_t other, int backwards);

/* wholes.c */
enum { WHOLE_STEPS = 64 }; /* steps whose n-grams are looked up together, and are known to the next string */
typedef struct {
    int32_t rows[2][WHOLE_STEPS][MOST_ORDERS]; /* of the n-grams that end at the first steps, which the next string may
                                                  share, and of those that end at later ones */
    uint64_t codes[WHOLE_STEPS][MOST_ORDERS];
    int32_t found[WHOLE_STEPS * MOST_ORDERS];
    uint8_t parts[WHOLE_STEPS * MOST_ORDERS];
} elman_wholes_memory;
EXPORT void elman_index(const int64_t *codes, int64_t count, elman_slot *slots, int64_t mask);
void sum_ngrams(const elman_model *, const int32_t *ids, int64_t length, int64_t shared, elman_wholes_memory *,
                float *sums);
void add_words(const elman_model *, const int32_t *ids, int64_t length, float *features);

/* score.c */
EXPORT int64_t elman_memory_size(const elman_model *, int64_t count);
EXPORT void elman_score(const elman_model *, const elman_strings *, const int64_t *order, int64_t count,
                        const elman_output *, void *memory);

/* text.c */
EXPORT int64_t elman_encode(const elman_alphabet *, const elman_texts *, int64_t count, int32_t *ids, int64_t *lengths,
                            uint8_t *statuses);
EXPORT uint64_t elman_placeholder(const int32_t *ids, int64_t count);

/* answers.c: what is answered at one level of the labels. */
typedef struct {
    const int32_t *groups;         /* of each label, from 0 to count; NULL: each label is a group */
    int32_t *ids;                  /* [N][top]: the best groups, as places among the groups of all levels */
    double *chances;               /* [N][top] */
    int32_t count, start, top;     /* start: the place of the first group; top: at most the number of groups */
} elman_level_answers;

/* What measures how familiar a string is; see elman/model/familiarity.py. */
typedef struct {
    const uint8_t *counts;         /* [mask + 1] */
    const double *logarithms;      /* [256]: of each value of the counts */
    const int32_t *groups;         /* of each symbol; NULL: there are none */
    const double *ranks;           /* of all groups, one after the other */
    const int64_t *rank_starts;    /* [groups + 1] */
    int64_t mask;
    double log_total, weights[4];
} elman_familiarity;

typedef struct {
    const elman_routines *routines;
    const elman_level_answers *of_levels;
    const elman_familiarity *familiarity; /* NULL: it is not measured */
    double *familiar;                     /* [N] */
    double floor;
    float temperature;
    int32_t levels, answers;
} elman_answers;
EXPORT void elman_find_answers(const elman_answers *, const float *logits, const elman_strings *, const int64_t *rows,
                               int64_t count, double *memory);

/* score.c: a small call as a whole. */
EXPORT int64_t elman_answering_size(const elman_model *, int64_t count);
EXPORT int32_t elman_answer(const elman_model *, const int32_t *ids, const int64_t *lengths, int64_t count,
                            const elman_output *, const elman_answers *, void *memory);

/* dispatch.c */
EXPORT int32_t elman_abi(void);
EXPORT const char *elman_sources(void);
EXPORT const elman_routines *elman_routines_at(int32_t place);

#endif
