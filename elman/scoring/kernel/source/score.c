/* Scoring: sorted strings to logits or best labels, block by block through the trie of each block. */
#include "kernel.h"

#include <float.h>
#include <string.h>

enum {
    BLOCK = 4096,  /* the most strings of a trie: the states of its levels stay in the cache */
    FEW_ROWS = 64, /* strings that the head reads together */
    AHEAD = 8,     /* strings whose symbols are asked for before they are read */
    STEPS = 16,    /* of a string that is alone: what they read is multiplied together */
    ALIGNMENT = 64
};

/* Memory that is cut from the front. With no memory at all, the sizes are only added up. */
typedef struct {
    char *memory;
    int64_t used;
} pool;

static void *take(pool *from, int64_t count, int64_t size)
{
    void *const part = from->memory ? from->memory + from->used : NULL;
    from->used += (count * size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return part;
}

/* What reading one block needs. A state is [layers][2 levels], each level [BLOCK][stride]. */
typedef struct {
    int32_t *alive, *node, *parent, *first, *rows, *shared, *ended, *ended_node, *length;
    const int32_t **ids; /* of each string of the block */
    float *hidden, *cell, *embedded, *read, *steps, *zeros;
    int16_t *shorts; /* of hidden */
} block_memory;

typedef struct {
    const elman_model *model;
    elman_strings strings; /* the distinct strings in the order of their beginnings */
    int64_t stride;        /* floats of a state */
    int32_t tables, reach; /* tables that a step reads, and symbols that its longest n-gram has */
    int64_t *starts, *lengths, *copies; /* copies: the place in the order of the first of equal strings */
    int64_t alone;                      /* the string of a block that has no other; otherwise −1 */
    int64_t *order;                     /* of the distinct strings, by their beginnings or endings */
    int32_t *shared;                    /* how many symbols each distinct string shares with the one before it */
    float *states;                      /* of the distinct strings, [distinct][directions][stride] */
    float *features;                    /* what the head reads, [FEW_ROWS][feature_count]; see elman_model */
    float *logits;                      /* [FEW_ROWS][padded answers] */
    float *sums, *units;                /* of the bag and of its hidden layer, [FEW_ROWS][·] */
    elman_wholes_memory *wholes;
    int64_t state_count, feature_count, sum_count, unit_count;
    void *sorting;
    block_memory block;
} work;

static int64_t fill_up(int64_t count, const elman_model *model)
{
    const int64_t lanes = model->routines->lanes;
    return (count + lanes - 1) / lanes * lanes;
}

static int64_t count_columns(const elman_matrix *matrix, const elman_model *model)
{
    return (int64_t)matrix->blocks * matrix->gates * model->routines->lanes;
}

/* Return whether the rows of the model's tables, in floats or in 16 bits, are what its first layer reads. */
static int has_tables(const elman_model *model)
{
    return model->symbol_rows[0] || model->symbol_shorts[0];
}

static void take_block_memory(block_memory *memory, const work *w, int64_t strings, pool *from)
{
    const elman_model *const model = w->model;
    int32_t **const numbers[] = {&memory->alive,  &memory->node,  &memory->parent,
                                 &memory->shared, &memory->ended, &memory->ended_node, &memory->length};
    for (size_t one = 0; one < sizeof numbers / sizeof *numbers; one++)
        *numbers[one] = take(from, strings, sizeof(int32_t));
    memory->ids = take(from, strings, sizeof(const int32_t *));
    memory->first = take(from, strings + 1, sizeof(int32_t));
    memory->rows = take(from, strings * w->tables, sizeof(int32_t));
    const int64_t states = 2 * model->layer_count * strings * w->stride, gates = model->layers[0].recurrent.gates;
    memory->hidden = take(from, states, sizeof(float));
    memory->cell = model->cell == CELL_LSTM ? take(from, states, sizeof(float)) : NULL;
    memory->shorts = model->routines->bits == 16 ? take(from, states, sizeof(int16_t)) : NULL;
    if (!has_tables(model)) {
        memory->embedded = take(from, (strings > STEPS ? strings : STEPS) * model->embedding_size, sizeof(float));
        memory->steps = take(from, STEPS * w->stride * gates, sizeof(float));
    }
    if (!has_tables(model) || model->layer_count > 1)
        memory->read = take(from, strings * w->stride * gates, sizeof(float));
    memory->zeros = take(from, w->stride, sizeof(float));
}

static void take_feature_memory(work *w, int64_t count, pool *from)
{
    const elman_model *const model = w->model;
    const elman_wholes *const wholes = &model->wholes;
    const int64_t few = smaller(FEW_ROWS, count), sum = fill_up(wholes->size, model);
    w->sum_count = wholes->parts * sum;
    w->unit_count = wholes->hidden.weights ? count_columns(&wholes->hidden, model) : 0;
    w->state_count = model->directions * w->stride;
    w->feature_count = w->state_count + (wholes->adds_logits ? 0 : sum) + w->unit_count +
                       fill_up(2 * wholes->words.size, model);
    w->states = take(from, count * w->state_count, sizeof(float));
    w->features = take(from, few * w->feature_count, sizeof(float));
    w->logits = take(from, few * count_columns(&model->head, model), sizeof(float));
    w->sums = take(from, few * w->sum_count, sizeof(float));
    w->units = take(from, few * w->unit_count, sizeof(float));
    w->wholes = take(from, 1, sizeof(elman_wholes_memory));
}

/* Lay out the memory for so many strings. Returns how much of it is used. */
static int64_t take_memory(work *w, const elman_model *model, int64_t count, void *memory)
{
    pool from = {memory, 0};
    memset(w, 0, sizeof *w);
    w->model = model;
    w->stride = (int64_t)model->layers[0].recurrent.blocks * model->routines->lanes;
    w->tables = 1 + model->order_count;
    w->reach = 1;
    for (int one = 0; one < model->order_count; one++)
        w->reach = model->orders[one] > w->reach ? model->orders[one] : w->reach;
    w->starts = take(&from, count, sizeof(int64_t));
    w->lengths = take(&from, count, sizeof(int64_t));
    w->copies = take(&from, count + 1, sizeof(int64_t));
    w->order = take(&from, count, sizeof(int64_t));
    w->shared = take(&from, count, sizeof(int32_t));
    take_feature_memory(w, count, &from);
    w->sorting = take(&from, elman_sorting_size(count), 1);
    take_block_memory(&w->block, w, smaller(BLOCK, count), &from);
    return from.used;
}

/* Return the bytes of memory that elman_score needs for so many strings; it begins at a multiple of 64. */
int64_t elman_memory_size(const elman_model *model, int64_t count)
{
    work w;
    return take_memory(&w, model, count, NULL);
}

/* Collect the distinct strings, in order. Returns how many there are. */
static int64_t find_distinct(work *w, const elman_strings *strings, const int64_t *order, int64_t count)
{
    int64_t distinct = 0;
    for (int64_t one = 0; one < count; one++) {
        const int64_t length = strings->lengths[order[one]];
        const int64_t shared = one ? count_shared(strings, order[one - 1], order[one], 0) : 0;
        if (one && shared == length && strings->lengths[order[one - 1]] == length)
            continue;
        w->shared[distinct] = (int32_t)shared;
        w->starts[distinct] = strings->starts[order[one]];
        w->lengths[distinct] = length;
        w->copies[distinct++] = one;
    }
    w->copies[distinct] = count;
    w->strings = (elman_strings){strings->ids, w->starts, w->lengths};
    return distinct;
}

/* Write which rows of the tables a node reads: those of the n-grams that end at a step of a string. */
static void find_rows(const elman_model *model, const int32_t *ids, int64_t step, int32_t *rows)
{
    ngram_sum sum = {0, 1, 0};
    rows[0] = ids[step];
    for (int one = 0; one < model->order_count; one++)
        rows[one + 1] = (int32_t)find_bucket(find_code(&sum, ids, step + 1, step, model->orders[one]), model->buckets);
}

/* Write how many nodes each string of a block shares with the one before it. Backwards, what a step reads depends on
 * the symbols before it, which come later: the last few common symbols share nothing. */
static void find_shared(work *w, const int64_t *strings, int32_t count, int direction)
{
    const int64_t hidden = direction ? w->reach - 1 : 0;
    w->block.shared[0] = 0;
    for (int32_t one = 1; one < count; one++) {
        const int64_t common = direction ? count_shared(&w->strings, strings[one - 1], strings[one], direction)
                                         : w->shared[strings[one]]; /* they are in the order of their beginnings */
        w->block.shared[one] = (int32_t)(common > hidden ? common - hidden : 0);
    }
}

/* Find the nodes of one level, their parents, and the strings that end there, which are dropped from ``alive``. A
 * string that shares a node with another shares it with all strings between them, because they are sorted: it is
 * enough to compare it with the one before it.
 *
 * Returns how many strings ended. */
static int32_t find_nodes(work *w, int32_t *alive, int32_t level, int direction, elman_level *found)
{
    block_memory *const block = &w->block;
    int32_t nodes = 0, parents = 0, kept = 0, ended = 0, last_parent = -1;
    for (int32_t one = 0; one < *alive; one++) {
        const int32_t string = block->alive[one], step = direction ? block->length[string] - 1 - level : level;
        if (one + AHEAD < *alive) { /* the symbols of the strings of a block are scattered over memory */
            const int32_t later = block->alive[one + AHEAD];
            PREFETCH(block->ids[later] + (direction ? block->length[later] - 1 - level : level));
        }
        if (nodes == 0 || block->shared[string] <= level) {
            const int32_t parent = level ? block->node[string] : 0;
            if (parent != last_parent) {
                block->parent[parents] = last_parent = parent;
                block->first[parents++] = nodes;
            }
            find_rows(w->model, block->ids[string], step, block->rows + (int64_t)nodes++ * w->tables);
        }
        block->node[string] = nodes - 1;
        if (block->length[string] == level + 1) {
            block->ended[ended] = string;
            block->ended_node[ended++] = nodes - 1;
        } else {
            block->alive[kept++] = string;
        }
    }
    block->first[parents] = nodes;
    *alive = kept;
    found->parents = parents;
    found->parent = block->parent;
    found->first = block->first;
    return ended;
}

static int64_t place_state(const work *w, int64_t strings, int layer, int level)
{
    return (2 * layer + level % 2) * strings * w->stride;
}

/* Return the states of a layer at a level; those of the level before it are kept too. */
static float *state_at(float *states, const work *w, int64_t strings, int layer, int level)
{
    return states ? states + place_state(w, strings, layer, level) : NULL;
}

static int16_t *shorts_at(const work *w, int64_t strings, int layer, int level)
{
    return w->block.shorts ? w->block.shorts + place_state(w, strings, layer, level) : NULL;
}

/* Write the sum of the embeddings that a node reads, given by its rows. */
static void embed(const elman_model *model, const int32_t *rows, float *sum)
{
    const int64_t size = model->embedding_size;
    memcpy(sum, model->embedding + rows[0] * size, sizeof(float) * (size_t)size);
    for (int table = 1; table <= model->order_count; table++)
        model->routines->add_row(&model->ngrams, rows[table], sum);
}

/* Multiply what the nodes of a level read. */
static void multiply_nodes(const work *w, const elman_matrix *input, int32_t nodes)
{
    const int64_t size = w->model->embedding_size;
    for (int32_t node = 0; node < nodes; node++)
        embed(w->model, w->block.rows + (int64_t)node * w->tables, w->block.embedded + node * size);
    w->model->routines->multiply(input, w->block.embedded, size, nodes, w->block.read);
}

/* Multiply what a string reads at some steps: the weights are read once for all of them. */
static void multiply_steps(const work *w, const elman_matrix *input, int64_t string, int32_t level, int direction)
{
    const int64_t size = w->model->embedding_size;
    const int32_t steps = (int32_t)smaller(STEPS, w->lengths[string] - level);
    const int32_t *const ids = w->strings.ids + w->starts[string];
    int32_t rows[MOST_TABLES];
    for (int32_t step = 0; step < steps; step++) {
        find_rows(w->model, ids, direction ? w->lengths[string] - 1 - level - step : level + step, rows);
        embed(w->model, rows, w->block.embedded + step * size);
    }
    w->model->routines->multiply(input, w->block.embedded, size, steps, w->block.steps);
}

/* Say what each node of a level reads: rows of tables, or its row of a product. */
static void find_inputs(work *w, int64_t strings, int layer, int32_t level, int direction, elman_level *nodes)
{
    const elman_model *const model = w->model;
    const elman_matrix *const input = &model->layers[direction * model->layer_count + layer].input;
    const int32_t count = nodes->first[nodes->parents];
    nodes->short_table[0] = NULL;
    if (layer == 0 && has_tables(model)) {
        nodes->rows = w->block.rows;
        nodes->tables = w->tables;
        nodes->short_scales = model->short_scales[direction];
        for (int table = 0; table < w->tables; table++) {
            nodes->table[table] = table ? model->ngram_rows[direction] : model->symbol_rows[direction];
            nodes->short_table[table] = table ? model->ngram_shorts[direction] : model->symbol_shorts[direction];
        }
        return;
    }
    nodes->rows = NULL;
    nodes->tables = 1;
    nodes->table[0] = w->block.read;
    if (layer > 0) {
        const float *const below = state_at(w->block.hidden, w, strings, layer - 1, level);
        model->routines->multiply(input, below, w->stride, count, w->block.read);
    } else if (w->alone < 0) {
        multiply_nodes(w, input, count);
    } else {
        if (level % STEPS == 0)
            multiply_steps(w, input, w->alone, level, direction);
        nodes->table[0] = w->block.steps + level % STEPS * w->stride * input->gates;
    }
}

/* Read one level through all layers: the states of each layer are what the next one reads. */
static void read_layers(work *w, int64_t strings, int32_t level, int direction, elman_level *nodes)
{
    block_memory *const block = &w->block;
    for (int layer = 0; layer < w->model->layer_count; layer++) {
        find_inputs(w, strings, layer, level, direction, nodes);
        nodes->before = level ? state_at(block->hidden, w, strings, layer, level - 1) : block->zeros;
        nodes->before_cell = level ? state_at(block->cell, w, strings, layer, level - 1) : block->zeros;
        nodes->before_shorts = level ? shorts_at(w, strings, layer, level - 1) : (const int16_t *)block->zeros;
        nodes->after_shorts = shorts_at(w, strings, layer, level);
        nodes->after = state_at(block->hidden, w, strings, layer, level);
        nodes->after_cell = state_at(block->cell, w, strings, layer, level);
        w->model->routines->step(w->model, w->model->layers + direction * w->model->layer_count + layer, nodes);
    }
}

/* Read a block of sorted, distinct strings in one direction, and write their final states. */
static void read_block(work *w, const int64_t *strings, int32_t count, int direction)
{
    int32_t alive = count;
    w->alone = count == 1 ? strings[0] : -1;
    find_shared(w, strings, count, direction);
    for (int32_t one = 0; one < count; one++) {
        w->block.alive[one] = one;
        w->block.ids[one] = w->strings.ids + w->starts[strings[one]];
        w->block.length[one] = (int32_t)w->lengths[strings[one]];
    }
    for (int32_t level = 0; alive; level++) {
        elman_level nodes;
        const int32_t ended = find_nodes(w, &alive, level, direction, &nodes);
        read_layers(w, count, level, direction, &nodes);
        for (int32_t one = 0; one < ended; one++) {
            const int64_t string = strings[w->block.ended[one]];
            memcpy(w->states + string * w->state_count + direction * w->stride,
                   nodes.after + w->block.ended_node[one] * w->stride, sizeof(float) * (size_t)w->stride);
        }
    }
}

static void read_direction(work *w, int64_t distinct, int direction)
{
    for (int64_t one = 0; one < distinct; one++)
        w->order[one] = one; /* they are sorted by their beginnings already */
    if (direction == 1)
        elman_sort(&w->strings, w->model->symbols, 1, distinct, w->order, w->sorting);
    for (int64_t start = 0; start < distinct; start += BLOCK)
        read_block(w, w->order + start, (int32_t)smaller(BLOCK, distinct - start), direction);
}

/* Write the features of some distinct strings; ``w->sums`` keeps the sums of the bag. */
static void collect_features(work *w, int64_t start, int32_t count)
{
    const elman_model *const model = w->model;
    const elman_wholes *const wholes = &model->wholes;
    const int64_t states = w->state_count, size = wholes->size ? w->sum_count / wholes->parts : 0;
    for (int64_t row = 0; row < count; row++)
        memcpy(w->features + row * w->feature_count, w->states + (start + row) * states,
               sizeof(float) * (size_t)states);
    for (int64_t row = 0; row < count && wholes->size; row++) {
        const int64_t string = start + row;
        float *const sums = w->sums + row * w->sum_count, *const total = w->features + row * w->feature_count + states;
        sum_ngrams(model, w->strings.ids + w->starts[string], w->lengths[string], w->shared[string], w->wholes, sums);
        for (int64_t number = 0; number < size && !wholes->adds_logits; number++) {
            total[number] = sums[number];
            for (int part = 1; part < wholes->parts; part++)
                total[number] += sums[part * size + number];
        }
    }
    if (w->unit_count)
        model->routines->multiply(&wholes->hidden, w->sums, w->sum_count, count, w->units);
    for (int64_t row = 0; row < count; row++) {
        const int64_t string = start + row;
        float *const units = w->features + row * w->feature_count + states + (wholes->adds_logits ? 0 : size);
        for (int64_t unit = 0; unit < w->unit_count; unit++) {
            const float sum = w->units[row * w->unit_count + unit];
            units[unit] = sum < 0 ? 0 : sum;
        }
        if (wholes->words.size) {
            float *const words = units + w->unit_count;
            memset(words, 0, sizeof(float) * (size_t)fill_up(2 * wholes->words.size, model));
            add_words(model, w->strings.ids + w->starts[string], w->lengths[string], words);
        }
    }
}

/* Write the logits of some distinct strings to ``w->logits``, and the lowest number after those of each. */
static void score_features(work *w, int64_t start, int32_t count)
{
    const elman_model *const model = w->model;
    const int64_t padded = count_columns(&model->head, model);
    collect_features(w, start, count);
    model->routines->multiply(&model->head, w->features, w->feature_count, count, w->logits);
    for (int64_t row = 0; row < count; row++) {
        float *const logits = w->logits + row * padded;
        for (int64_t answer = 0; answer < model->answers && model->wholes.adds_logits; answer++)
            logits[answer] += w->sums[row * w->sum_count + answer];
        for (int64_t answer = model->answers; answer < padded; answer++)
            logits[answer] = -FLT_MAX;
    }
}

/* Write what is wanted of one distinct string to the rows of all strings that are equal to it. */
static void write_answer(const work *w, int64_t string, const float *logits, const int64_t *order,
                         const elman_output *wanted)
{
    const elman_model *const model = w->model;
    int64_t first = -1;
    for (int64_t place = w->copies[string]; place < w->copies[string + 1]; place++) {
        const int64_t row = wanted->by_order ? place : order[place];
        if (wanted->logits) {
            memcpy(wanted->logits + row * model->answers, logits, sizeof(float) * (size_t)model->answers);
        } else if (first < 0) {
            first = row;
            model->routines->best(logits, model->answers, wanted, wanted->labels + row * wanted->top,
                                  wanted->chances + row * wanted->top);
        } else {
            memcpy(wanted->labels + row * wanted->top, wanted->labels + first * wanted->top,
                   sizeof(int32_t) * (size_t)wanted->top);
            memcpy(wanted->chances + row * wanted->top, wanted->chances + first * wanted->top,
                   sizeof(double) * (size_t)wanted->top);
        }
    }
}

/* Score the strings at the places in ``order``, which elman_sort has sorted. Memory has elman_memory_size bytes. */
void elman_score(const elman_model *model, const elman_strings *strings, const int64_t *order, int64_t count,
                 const elman_output *wanted, void *memory)
{
    work w;
    take_memory(&w, model, count, memory);
    memset(w.block.zeros, 0, sizeof(float) * (size_t)w.stride);
    const int64_t distinct = find_distinct(&w, strings, order, count);
    for (int direction = 0; direction < model->directions; direction++)
        read_direction(&w, distinct, direction);
    for (int64_t start = 0; start < distinct; start += FEW_ROWS) {
        const int32_t some = (int32_t)smaller(FEW_ROWS, distinct - start);
        score_features(&w, start, some);
        for (int32_t row = 0; row < some; row++)
            write_answer(&w, start + row, w.logits + row * count_columns(&model->head, model), order, wanted);
    }
}

/* Return how many doubles of memory elman_find_answers needs. */
static int64_t count_doubles(const elman_model *model)
{
    return model->answers + fill_up(model->answers, model);
}

/* Return the bytes of memory that elman_answer needs for so many strings. */
int64_t elman_answering_size(const elman_model *model, int64_t count)
{
    return elman_memory_size(model, count) + count_doubles(model) * (int64_t)sizeof(double) +
           2 * count * (int64_t)sizeof(int64_t) + 3 * ALIGNMENT;
}

/* Check, sort and score some strings that are one after the other: all that a small call needs, in one call. If
 * ``answers`` is not NULL, the logits, for which ``wanted`` must have a place, become answers too. */
int32_t elman_answer(const elman_model *model, const int32_t *ids, const int64_t *lengths, int64_t count,
                     const elman_output *wanted, const elman_answers *answers, void *memory)
{
    pool from = {memory, 0};
    int64_t *const starts = take(&from, count, sizeof(int64_t)), *const order = take(&from, count, sizeof(int64_t));
    double *const doubles = take(&from, count_doubles(model), sizeof(double));
    work w;
    for (int64_t one = 0, start = 0; one < count; start += lengths[one++]) {
        starts[one] = start;
        order[one] = one;
    }
    const elman_strings strings = {ids, starts, lengths};
    const int32_t status = elman_check(&strings, model->symbols, count);
    if (status != STATUS_DONE)
        return status;
    void *const rest = from.memory + from.used;
    take_memory(&w, model, count, rest);
    elman_sort(&strings, model->symbols, 0, count, order, w.sorting);
    elman_score(model, &strings, order, count, wanted, rest);
    if (answers) {
        for (int64_t one = 0; one < count; one++)
            order[one] = one;
        elman_find_answers(answers, wanted->logits, &strings, order, count, doubles);
    }
    return STATUS_DONE;
}
