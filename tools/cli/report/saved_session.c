#include "report/saved_session.h"

#include "base/memory.h"
#include "base/say.h"

#include <string.h>

__attribute__((noreturn)) static void saved_session_refuse(const char *path, const char *what) {
    say_and_exit(STATUS_USAGE, "%s: %s; give a file that 'tagpool compare --export-json' wrote",
                 path, what);
}

static void saved_session_load_parameters(struct saved_session *saved, const char *path,
                                          const struct json_value *root) {
    size_t count, value_count;
    const struct json_value *items = json_tree_items(root, "parameters", &count);
    struct session *session = &saved->session;
    if (count > SESSION_PARAMETERS_MAX)
        saved_session_refuse(path, "has more parameters than there can be");
    for (size_t i = 0; i < count; i++) {
        struct session_parameter *parameter = &session->parameters[session->parameter_count++];
        parameter->name = json_tree_text(&items[i], "name", NULL);
        const struct json_value *values = json_tree_items(&items[i], "values", &value_count);
        if (parameter->name == NULL || value_count != session->count)
            saved_session_refuse(path, "has a parameter that is not whole");
        for (size_t value = 0; value < value_count; value++) {
            parameter->values[value] = json_tree_text(&values[value], "", NULL);
            if (parameter->values[value] == NULL)
                saved_session_refuse(path, "has a parameter that is not whole");
        }
    }
}

/* All have to have what the first one has. */
static void saved_session_check(const struct saved_session *saved, const char *path) {
    const struct rounds *first = &saved->items[0].result.rounds;
    for (unsigned i = 0; i < saved->session.count; i++) {
        const struct rounds *rounds = &saved->items[i].result.rounds;
        bool alike = rounds->variant_count == first->variant_count &&
                     rounds->own_count == first->own_count &&
                     (!saved->session.paired || rounds->count == first->count);
        for (unsigned variant = 0; alike && variant < first->variant_count; variant++)
            alike = strcmp(saved->items[i].variants[variant].name,
                           saved->items[0].variants[variant].name) == 0;
        for (unsigned round = 0; alike && round < rounds->count; round++)
            alike = rounds->items[round].turn < saved->session.count;
        if (!alike)
            saved_session_refuse(path, "has comparisons that do not fit together");
    }
}

void saved_session_load(struct saved_session *saved, const char *path) {
    char *fault;
    size_t count;
    *saved = (struct saved_session){.session = {.count = 1, .paired = true}};
    struct json_value *root = json_tree_read(path, &fault);
    if (root == NULL)
        say_and_exit(STATUS_USAGE, "cannot read %s: %s", path, fault);
    bool several = strcmp(json_tree_text(root, "schema", ""), "tagpool-session") == 0;
    const struct json_value *items = root;
    if (several) {
        items = json_tree_items(root, "comparisons", &count);
        if (count < 2 || count > SESSION_COMMANDS_MAX)
            saved_session_refuse(path, "does not hold two comparisons or more");
        saved->session.count = (unsigned)count;
        saved->session.paired = json_tree_truth(root, "paired");
        saved_session_load_parameters(saved, path, root);
    }
    saved->items = memory_array(saved->session.count, sizeof *saved->items);
    for (unsigned i = 0; i < saved->session.count; i++) {
        saved_load_value(&saved->items[i], path, &items[i]);
        saved->session.comparisons[i] = &saved->items[i].comparison;
    }
    saved_session_check(saved, path);
    session_make(&saved->session);
}
