/* Text: names to symbol ids, for the characters that an alphabet describes one by one.
 *
 * Python normalises text; elman/text/normalisation.py says how. For most letters of Latin script the result does not
 * depend on their neighbours, so it is looked up. A name with any other character, or of more than a few characters,
 * is left to Python, which also explains why a name cannot be read. elman/scoring/kernel/text.py makes the alphabet. */
#include "kernel.h"

/* Decode one character of UTF-8. Returns the place after it; Arrow guarantees valid UTF-8, and anything else becomes a
 * character that no alphabet has. */
static const uint8_t *decode(const uint8_t *at, const uint8_t *end, uint32_t *character)
{
    const uint32_t first = *at++;
    const int more = first < 0x80 ? 0 : first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
    *character = more ? first & (0x3Fu >> more) : first;
    for (int one = 0; one < more && at < end; one++)
        *character = *character << 6 | (*at++ & 0x3Fu);
    return at;
}

/* Write the characters of a text, at most ``most`` + 1 of them, and return how many. */
static int32_t read_characters(const elman_texts *texts, int64_t place, int32_t most, uint32_t *characters)
{
    int32_t count = 0;
    const int64_t start = texts->starts[place], end = texts->starts[place + 1];
    if (texts->width == 4) {
        for (int64_t one = start; one < end && count <= most; one++)
            characters[count++] = ((const uint32_t *)texts->data)[one];
    } else if (texts->width == 1) {
        for (int64_t one = start; one < end && count <= most; one++)
            characters[count++] = texts->data[one];
    } else {
        const uint8_t *at = texts->data + start, *const last = texts->data + end;
        while (at < last && count <= most)
            at = decode(at, last, &characters[count++]);
    }
    return count;
}

static int kind_of(const elman_alphabet *alphabet, uint32_t character)
{
    return character < (uint32_t)alphabet->size ? alphabet->kinds[character] : CHARACTER_OTHER;
}

/* Cut white space and commas at the ends, as clean in elman/text/normalisation.py does; commas at the end alone. */
static int32_t find_end(const elman_alphabet *alphabet, const uint32_t *characters, int32_t count)
{
    while (count > 0 && (characters[count - 1] == ',' || kind_of(alphabet, characters[count - 1]) == CHARACTER_SPACE))
        count--;
    return count;
}

/* Return the code by which placeholders are recognised. Python looks at the text itself before it says so. */
uint64_t elman_placeholder(const int32_t *ids, int64_t count)
{
    uint64_t code = (uint64_t)count;
    for (int64_t one = 0; one < count; one++)
        code = (code ^ (uint64_t)(uint32_t)ids[one]) * MULTIPLIER;
    return code;
}

static int is_placeholder(const elman_alphabet *alphabet, const int32_t *ids, int64_t count)
{
    const uint64_t code = elman_placeholder(ids, count);
    for (int32_t one = 0; one < alphabet->placeholder_count; one++)
        if (alphabet->placeholders[one] == code)
            return 1;
    return 0;
}

/* Encode one text. Returns its status; ``count`` becomes the number of its ids if it is read. */
static uint8_t encode(const elman_alphabet *alphabet, const elman_texts *texts, int64_t place, int32_t *ids,
                      int64_t *count)
{
    uint32_t characters[LONGEST_TEXT + 1];
    const int32_t all = read_characters(texts, place, LONGEST_TEXT, characters);
    int32_t found = 0, has_evidence = 0, waiting = 0;
    if (all > LONGEST_TEXT)
        return TEXT_ASK;
    const int32_t end = find_end(alphabet, characters, all);
    for (int32_t one = 0; one < end; one++) {
        const int kind = kind_of(alphabet, characters[one]);
        if (kind == CHARACTER_OTHER)
            return TEXT_ASK;
        if (kind == CHARACTER_SPACE) { /* one between two words, and none at the ends */
            waiting = found > 0;
            continue;
        }
        const int32_t *const letters = alphabet->ids + (int64_t)characters[one] * MOST_LETTERS;
        for (int32_t letter = 0; letter < alphabet->counts[characters[one]]; letter++) {
            if (waiting) {
                ids[found++] = alphabet->space;
                has_evidence |= alphabet->is_evidence[alphabet->space];
                waiting = 0;
            }
            ids[found++] = letters[letter];
            has_evidence |= alphabet->is_evidence[letters[letter]];
        }
    }
    if (found == 0)
        return TEXT_BLANK;
    if (!has_evidence || is_placeholder(alphabet, ids, found))
        return TEXT_ASK;
    *count = found;
    return TEXT_READ;
}

/* Encode some texts one after the other. Those that are not read have no ids. Returns how many ids there are. */
int64_t elman_encode(const elman_alphabet *alphabet, const elman_texts *texts, int64_t count, int32_t *ids,
                     int64_t *lengths, uint8_t *statuses)
{
    int64_t used = 0;
    for (int64_t place = 0; place < count; place++) {
        lengths[place] = 0;
        statuses[place] = encode(alphabet, texts, place, ids + used, &lengths[place]);
        used += lengths[place];
    }
    return used;
}
