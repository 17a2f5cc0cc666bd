/* Tight pairs of malloc and free of one size class, as in a program that computes with long numbers
 * (cfrac): each step allocates a product and a sum and frees what they came from, so that never
 * more than three small blocks are live. Prints the number that the steps arrive at. */
#include "command_line.h"

#define DIGITS_MAX 1024

struct number {
    uint32_t length;
    uint32_t digits[]; /* base 2^32, lowest first */
};

static struct number *number_new(uint32_t length) {
    struct number *number = malloc(sizeof *number + length * sizeof number->digits[0]);
    if (number == NULL) {
        fprintf(stderr, "pairs: out of memory\n");
        exit(1);
    }
    number->length = length;
    return number;
}

/* a * factor, cut to the length of a. */
static struct number *number_multiply(const struct number *a, uint32_t factor) {
    struct number *product = number_new(a->length);
    uint64_t carry = 0;
    for (uint32_t i = 0; i < a->length; i++) {
        carry += (uint64_t)a->digits[i] * factor;
        product->digits[i] = (uint32_t)carry;
        carry >>= 32;
    }
    return product;
}

/* a + b, two numbers of one length, cut to it. */
static struct number *number_add(const struct number *a, const struct number *b) {
    struct number *sum = number_new(a->length);
    uint64_t carry = 0;
    for (uint32_t i = 0; i < a->length; i++) {
        carry += (uint64_t)a->digits[i] + b->digits[i];
        sum->digits[i] = (uint32_t)carry;
        carry >>= 32;
    }
    return sum;
}

int main(int argc, char **argv) {
    uint64_t rounds = 15000000;
    uint64_t digits = 5;
    const struct command_option options[] = {
        {'n', &rounds, 1, 10000000000},
        {'d', &digits, 1, DIGITS_MAX},
    };
    const struct command command = {
        .name = "pairs",
        .usage = "[-n ROUNDS (two pairs each)] [-d DIGITS (4 bytes each)]",
        .options = options,
        .option_count = 2,
    };
    command_parse(&command, argc, argv);
    struct number *value = number_new((uint32_t)digits);
    for (uint32_t i = 0; i < value->length; i++)
        value->digits[i] = i + 1;
    for (uint64_t round = 0; round < rounds; round++) {
        /* Even, so that value * (factor + 1) never runs empty. */
        struct number *product = number_multiply(value, 2654435768u);
        struct number *sum = number_add(product, value);
        free(product);
        free(value);
        value = sum;
    }
    printf("%" PRIu64 " rounds, value ", rounds);
    for (uint32_t i = value->length; i-- > 0;)
        printf("%08" PRIx32, value->digits[i]);
    printf("\n");
    free(value);
    return 0;
}
