/* Answers: logits to the best groups of each level of the labels, and to how familiar a string is.
 *
 * elman/prediction/answers.py and elman/model/familiarity.py do the same in numpy, and say what is computed. */
#include "kernel.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { LONGEST_NGRAM = 4, KNOWN_NGRAM = 3 }; /* ORDERS and KNOWN_ORDER of familiarity.py */

static const double BACKOFF = -0.916, LIMIT = 1e6;

/* Write how likely each label is beside the most likely one, and return the sum of all the others: NaN if a logit is NaN,
 * or the largest one infinite. */
static double weigh(const elman_answers *how, const float *logits, float *powers, int32_t *first)
{
    const int32_t lanes = how->routines->lanes, padded = (how->answers + lanes - 1) / lanes * lanes;
    memcpy(powers, logits, sizeof(float) * (size_t)how->answers);
    for (int32_t label = how->answers; label < padded; label++)
        powers[label] = -INFINITY;
    const double others = how->routines->exponentials(powers, padded, how->temperature, first);
    if (*first >= how->answers) /* all of them are NaN */
        *first = 0;
    return isfinite(logits[*first]) ? others : NAN;
}

/* Write the best of some numbers and their places, best first; equal ones are in their order. */
static void find_top(const double *chances, int32_t count, int32_t start, int32_t top, int32_t *ids, double *best)
{
    int32_t found = 0;
    for (int32_t one = 0; one < count; one++) {
        if (found == top && !(chances[one] > best[top - 1]))
            continue;
        int32_t place = found < top ? found++ : top - 1;
        for (; place > 0 && chances[one] > best[place - 1]; place--) {
            best[place] = best[place - 1];
            ids[place] = ids[place - 1];
        }
        best[place] = chances[one];
        ids[place] = start + one;
    }
}

static void rank_levels(const elman_answers *how, const float *powers, int32_t first, double others, double *sums,
                        int64_t row)
{
    const double share = (1 - how->floor) / (1 + others), rest = how->floor / how->answers;
    for (int32_t level = 0; level < how->levels; level++) {
        const elman_level_answers *const of = how->of_levels + level;
        if (of->groups) {
            for (int32_t group = 0; group < of->count; group++)
                sums[group] = 0;
            for (int32_t label = 0; label < how->answers; label++)
                sums[of->groups[label]] += share * powers[label] + rest;
        } else if (of->top > 1) {
            for (int32_t label = 0; label < how->answers; label++)
                sums[label] = share * powers[label] + rest;
        }
        if (of->groups || of->top > 1) {
            find_top(sums, of->count, of->start, of->top, of->ids + row * of->top, of->chances + row * of->top);
        } else {
            of->ids[row] = of->start + first;
            of->chances[row] = share + rest;
        }
        for (int32_t place = 0; place < of->top && isnan(others); place++)
            of->ids[row * of->top + place] = of->start + place;
    }
}

/* Return the logarithm of the count of an n-gram; −∞ if it is unknown. */
static double look_up(const elman_familiarity *familiarity, uint64_t code)
{
    const int64_t mixed = (int64_t)(code * MULTIPLIER);
    const uint8_t one = familiarity->counts[(mixed >> 20) & familiarity->mask];
    const uint8_t other = familiarity->counts[(mixed >> 42) & familiarity->mask];
    return familiarity->logarithms[one < other ? one : other];
}

/* Write the logarithms of the counts of the n-grams that end at a place, from order 0: that of all symbols. */
static void look_up_all(const elman_familiarity *familiarity, const int32_t *ids, int64_t length, int64_t place,
                        double *values)
{
    uint64_t sum = 0, power = 1; /* an n-gram's code is n · M^n + the sum of its symbols times M^k, the last with k = 0 */
    values[0] = familiarity->log_total;
    for (int64_t order = 1; order <= LONGEST_NGRAM; order++) {
        const int64_t one = place - order + 1; /* the edges are at 0 and at length + 1 */
        values[order] = -INFINITY;
        if (one < 0)
            continue;
        sum += power * (uint64_t)((one > 0 && one <= length ? (int64_t)ids[one - 1] : EDGE) + 2);
        power *= MULTIPLIER;
        values[order] = look_up(familiarity, (uint64_t)order * power + sum);
    }
    if (place == 0)
        values[1] -= log(2); /* half of the edges begin a string */
}

/* Write the mean log-probability of a symbol of a string, and the share of known n-grams. */
static void measure_ngrams(const elman_familiarity *familiarity, const int32_t *ids, int64_t length,
                           double *likelihood, double *known)
{
    double before[LONGEST_NGRAM + 1], values[LONGEST_NGRAM + 1], sum = 0, count = 0;
    look_up_all(familiarity, ids, length, 0, before);
    for (int64_t place = 1; place <= length + 1; place++) {
        double chance = log(0.5) - familiarity->log_total + BACKOFF * LONGEST_NGRAM;
        look_up_all(familiarity, ids, length, place, values);
        for (int order = LONGEST_NGRAM; order >= 1; order--)
            if (place >= order - 1 && isfinite(values[order]) && isfinite(before[order - 1])) {
                const double step = values[order] - before[order - 1];
                chance = (step < 0 ? step : 0) + BACKOFF * (LONGEST_NGRAM - order);
                break;
            }
        sum += chance;
        count += place >= KNOWN_NGRAM - 1 && isfinite(values[KNOWN_NGRAM]);
        memcpy(before, values, sizeof before);
    }
    *likelihood = sum / (double)(length + 1);
    *known = count / (double)(length > 1 ? length : 1); /* of length + 2 places, all but the first two end one */
}

static double limit(double measure)
{
    return measure < -LIMIT ? -LIMIT : measure > LIMIT ? LIMIT : measure;
}

/* Return where a score is among those of known names, 0 to 1. */
static double interpolate(const double *ranks, int64_t count, double score)
{
    int64_t low = 0, high = count - 1;
    if (isnan(score) || score < ranks[0])
        return isnan(score) ? NAN : 0;
    if (score >= ranks[high])
        return 1;
    while (high - low > 1) {
        const int64_t middle = (low + high) / 2;
        if (ranks[middle] <= score)
            low = middle;
        else
            high = middle;
    }
    return ((double)low + (score - ranks[low]) / (ranks[high] - ranks[low])) / (double)(count - 1);
}

static double find_familiarity(const elman_answers *how, const int32_t *ids, int64_t length, float largest, double others)
{
    const elman_familiarity *const familiarity = how->familiarity;
    const volatile double total = 1 + others; /* as numpy has it: what is less than 1e-16 of the whole is lost */
    const double rest = total - 1, others_or_tiny = rest < DBL_MIN ? DBL_MIN : rest;
    double likelihood, known;
    int32_t group = 0;
    measure_ngrams(familiarity, ids, length, &likelihood, &known);
    for (int64_t one = 0; one < length && familiarity->groups; one++)
        if (familiarity->groups[ids[one]] > group)
            group = familiarity->groups[ids[one]];
    const double measures[] = {-log(others_or_tiny), largest / (double)how->temperature + log1p(others_or_tiny),
                               likelihood, known};
    double score = 0;
    for (int one = 0; one < 4; one++)
        score += familiarity->weights[one] * limit(measures[one]);
    const int64_t start = familiarity->rank_starts[group];
    return interpolate(familiarity->ranks + start, familiarity->rank_starts[group + 1] - start, score);
}

/* Answer for some strings: row k of the logits, [count][answers], is of the string at rows[k], and so are the answers.
 * Memory has room for so many floats as vectors have for the answers, after as many doubles. */
void elman_find_answers(const elman_answers *how, const float *logits, const elman_strings *strings,
                        const int64_t *rows, int64_t count, double *memory)
{
    float *const powers = (float *)(memory + how->answers);
    for (int64_t one = 0; one < count; one++) {
        const int64_t row = rows[one];
        const float *const own = logits + one * how->answers;
        int32_t first;
        const double others = weigh(how, own, powers, &first);
        rank_levels(how, powers, first, others, memory, row);
        if (how->familiarity)
            how->familiar[row] = find_familiarity(how, strings->ids + strings->starts[row], strings->lengths[row],
                                                  own[first], others);
    }
}
