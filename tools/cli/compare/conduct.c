#include "compare/conduct.h"

#include "base/args.h"
#include "base/command.h"
#include "base/interrupt.h"
#include "base/memory.h"
#include "base/words.h"
#include "compare/judge.h"
#include "measure/hook.h"

#include <stdlib.h>
#include <string.h>

void conduct_take_text(void *field, const char *text) {
    struct conduct_texts *texts = field;
    if (texts->count == SESSION_COMMANDS_MAX)
        args_refuse("at most %d commands can be compared", SESSION_COMMANDS_MAX);
    texts->items[texts->count++] = text;
}

/* ---- the commands ---- */

/* What a command is run as: words for the shell are one line of it. */
static char **conduct_words_to_run(const struct conduct_wishes *wishes, char **words) {
    return wishes->shell ? command_for_shell(words) : words;
}

/* Where a service is measured, each command is a load of it. */
static void conduct_add_service(struct conduct_command *command,
                                const struct conduct_wishes *wishes, unsigned combination) {
    struct service_options options = wishes->service;
    options.command = parameters_apply(&wishes->parameters, combination, options.command);
    options.ready = parameters_apply(&wishes->parameters, combination, options.ready);
    if (service_take(&command->service, &options, conduct_words_to_run(wishes, command->words)))
        command->plan.service = &command->service;
}

static void conduct_add_command(struct conduct *all, char **words, unsigned place,
                                unsigned combination) {
    const struct conduct_wishes *wishes = all->wishes;
    const struct parameters *parameters = &wishes->parameters;
    if (all->count == SESSION_COMMANDS_MAX)
        args_refuse("at most %d commands can be compared", SESSION_COMMANDS_MAX);
    struct conduct_command *command = &all->commands[all->count];
    size_t count = 0;
    while (words[count] != NULL)
        count++;
    command->words = memory_array(count + 1, sizeof *words);
    for (size_t i = 0; i < count; i++)
        command->words[i] = parameters_apply(parameters, combination, words[i]);
    command->plan = wishes->plan;
    conduct_add_service(command, wishes, combination);
    command->title = place < wishes->names.count
                         ? parameters_apply(parameters, combination, wishes->names.items[place])
                     : command->plan.service != NULL
                         ? service_title(&command->service.options, command->words)
                         : command_text(command->words);
    command->plan.setup = parameters_apply(parameters, combination, wishes->plan.setup);
    command->plan.prepare = parameters_apply(parameters, combination, wishes->plan.prepare);
    command->plan.conclude = parameters_apply(parameters, combination, wishes->plan.conclude);
    command->plan.cleanup = parameters_apply(parameters, combination, wishes->plan.cleanup);
    for (unsigned i = 0; i < parameters->count; i++)
        all->session.parameters[i].values[all->count] =
            parameters_value(parameters, i, combination);
    all->count++;
}

/* Each parameter has to be used by the command or by what is run around it. */
static void conduct_check_parameters(const struct conduct_wishes *wishes, char **words) {
    const struct plan *plan = &wishes->plan;
    char *text = command_text(words);
    for (unsigned i = 0; i < wishes->parameters.count; i++) {
        const struct parameter *parameter = &wishes->parameters.items[i];
        if (!parameters_is_in(parameter, text) && !parameters_is_in(parameter, plan->setup) &&
            !parameters_is_in(parameter, plan->prepare) &&
            !parameters_is_in(parameter, wishes->service.command))
            args_refuse("-L %s: there is no {%s} in '%s'", parameter->name, parameter->name, text);
    }
    free(text);
}

/* The words of --also: the shell divides its line for itself. */
static char **conduct_more_words(const struct conduct_wishes *wishes, const char *line) {
    char *fault = NULL;
    char **words = wishes->shell ? memory_array(2, sizeof *words) : words_split(line, &fault);
    if (words == NULL)
        args_refuse("--also '%s': %s; it is run without a shell, but may be sh -c '...', or all "
                    "commands are run by one with -S",
                    line, fault);
    if (wishes->shell && line[strspn(line, " \t\n")] != '\0')
        words[0] = memory_copy(line);
    if (words[0] == NULL)
        args_refuse("--also '%s' names no command", line);
    return words;
}

void conduct_init(struct conduct *all, struct conduct_wishes *wishes, char **words) {
    *all = (struct conduct){.wishes = wishes};
    const struct parameters *parameters = &wishes->parameters;
    unsigned combinations = parameters_combinations(parameters);
    all->commands = memory_array(SESSION_COMMANDS_MAX, sizeof *all->commands);
    for (unsigned place = 0; place <= wishes->also.count; place++) {
        if (place > 0)
            words = conduct_more_words(wishes, wishes->also.items[place - 1]);
        conduct_check_parameters(wishes, words);
        for (unsigned combination = 0; combination < combinations; combination++)
            conduct_add_command(all, words, place, combination);
    }
    if (wishes->names.count > wishes->also.count + 1)
        args_refuse("--name %s is one too many: there %s %u command line%s",
                    wishes->names.items[wishes->also.count + 1],
                    wishes->also.count == 0 ? "is" : "are", wishes->also.count + 1,
                    wishes->also.count == 0 ? "" : "s");
    all->session.parameter_count = parameters->count;
    for (unsigned i = 0; i < parameters->count; i++)
        all->session.parameters[i].name = parameters->items[i].name;
}

/* ---- the measurement ---- */

/* Takes why it ended early, in a new string, behind what is known already; NULL: it did not. False
 * with one. */
static bool conduct_is_sound(struct conduct *all, char *fault) {
    if (fault == NULL)
        return true;
    char *before = all->fault;
    all->fault = before == NULL ? fault : memory_format("%s; %s", before, fault);
    if (before != NULL)
        free(fault);
    free(before);
    return false;
}

/* The session that is set up, for which --cleanup is still to be run. */
static struct conduct *conduct_open;
static const char *conduct_cleanup;

static bool conduct_clean_up(void) {
    const char *command = conduct_cleanup;
    conduct_cleanup = NULL;
    return command == NULL || conduct_is_sound(conduct_open, hook_end("--cleanup", command));
}

/* Should the program end early. */
static void conduct_clean_up_at_exit(void) {
    if (conduct_cleanup != NULL && !conduct_clean_up())
        say_error("%s", conduct_open->fault);
}

/* False when the setup failed: then there is nothing to clean up. There is when it was
 * interrupted. */
static bool conduct_set_up(struct conduct *all, const struct plan *plan) {
    static bool registered;
    char *fault = hook_begin("--setup", plan->setup);
    if (interrupt_came()) {
        free(fault);
        fault = NULL;
    }
    if (!conduct_is_sound(all, fault))
        return false;
    if (!registered && plan->cleanup != NULL)
        atexit(conduct_clean_up_at_exit);
    registered = registered || plan->cleanup != NULL;
    conduct_open = all;
    conduct_cleanup = plan->cleanup;
    return true;
}

/* Looks at the program and checks it. Ends the program with a message when it cannot be run. */
static enum exit_status conduct_begin(struct conduct *all, struct conduct_command *command) {
    bool first = command == all->commands;
    struct plan *plan = &command->plan;
    target_resolve(&command->target, plan->service != NULL
                                         ? plan->service->command
                                         : conduct_words_to_run(all->wishes, command->words));
    target_follow_manager_aloud(&command->target);
    target_inspect(&command->target, &command->findings);
    if (first)
        all->reference = all->wishes->choose(all->wishes->request, &command->target,
                                             &command->findings, &all->variants);
    plan->precision = all->wishes->plan.precision;
    if (first || strcmp(command->target.binary, command[-1].target.binary) != 0)
        target_report(&command->findings);
    /* The input was spooled: what it is read from serves all. */
    if (!first)
        plan->input = spool_path(&all->commands[0].experiment.spool);
    machine_read(&command->machine);
    experiment_init(&command->experiment, plan, &command->target, all->variants.items,
                    all->variants.count, all->reference, all->wishes->terminal);
    if (!first)
        command->experiment.result.plan.input = all->wishes->plan.input;
    if (experiment_check(&command->experiment))
        return STATUS_DONE;
    return command->experiment.status;
}

static void conduct_finish(struct conduct *all, struct conduct_command *command) {
    struct comparison *comparison = &command->comparison;
    comparison_make(comparison, &command->experiment.result, command->title);
    comparison->machine = command->machine;
    comparison->steal = command->steal;
    comparison->loading_s = all->commands[0].comparison.loading_s;
    comparison->with_moments = all->wishes->with_moments;
    reasons_add_findings(&comparison->reasons, &command->findings);
    if (!interrupt_came())
        probe_all(comparison, &command->experiment, &all->wishes->probes);
    judge_reasons(comparison);
}

/* `count` commands from `first` on, whose rounds alternate. */
static enum exit_status conduct_measure_some(struct conduct *all, unsigned first, unsigned count) {
    struct machine_ticks before, after;
    struct experiment *experiments[SESSION_COMMANDS_MAX];
    enum exit_status status = STATUS_DONE;
    for (unsigned i = 0; status == STATUS_DONE && i < count; i++) {
        experiments[i] = &all->commands[first + i].experiment;
        status = conduct_begin(all, &all->commands[first + i]);
    }
    machine_read_ticks(&before);
    if (status == STATUS_DONE && !experiment_measure_together(experiments, count))
        status = STATUS_TARGET_FAILED;
    machine_read_ticks(&after);
    for (unsigned i = first; i < first + count; i++) {
        const struct experiment *experiment = &all->commands[i].experiment;
        all->commands[i].steal = machine_steal(&before, &after);
        if (experiment->reason == NULL)
            continue;
        bool is_its_own = all->count > 1 && !experiment->result.interrupted;
        conduct_is_sound(
            all, is_its_own ? memory_format("%s: %s", all->commands[i].title, experiment->reason)
                            : memory_copy(experiment->reason));
        return experiment->status;
    }
    for (unsigned i = first; i < first + count; i++)
        conduct_finish(all, &all->commands[i]);
    return status;
}

/* The same with what is run around them. */
static enum exit_status conduct_measure_around(struct conduct *all, unsigned first,
                                               unsigned count) {
    if (!conduct_set_up(all, &all->commands[first].plan))
        return STATUS_TARGET_FAILED;
    enum exit_status status = STATUS_DONE;
    if (!interrupt_came()) {
        status = conduct_measure_some(all, first, count);
        all->session.count += status == STATUS_DONE ? count : 0;
    } else {
        conduct_is_sound(all, memory_copy("interrupted in --setup"));
    }
    if (!conduct_clean_up() && status == STATUS_DONE)
        status = STATUS_TARGET_FAILED;
    return status;
}

enum exit_status conduct_measure(struct conduct *all) {
    const struct plan *plan = &all->wishes->plan;
    enum exit_status status = STATUS_DONE;
    all->session.paired = all->count == 1 || (plan->setup == NULL && plan->cleanup == NULL);
    unsigned step = all->session.paired ? all->count : 1;
    interrupt_watch();
    for (unsigned i = 0; status == STATUS_DONE && !interrupt_came() && i < all->count; i += step)
        status = conduct_measure_around(all, i, step);
    interrupt_release();
    for (unsigned i = 0; i < all->session.count; i++)
        all->session.comparisons[i] = &all->commands[i].comparison;
    if (all->session.count > 0)
        session_make(&all->session);
    return interrupt_came() ? interrupt_status() : status;
}

void conduct_free(struct conduct *all) {
    for (unsigned i = 0; i < all->count; i++)
        if (all->commands[i].experiment.target != NULL)
            experiment_free(&all->commands[i].experiment);
    session_free(&all->session);
    free(all->fault);
    all->fault = NULL;
}
