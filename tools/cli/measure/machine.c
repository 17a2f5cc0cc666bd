#include "measure/machine.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

enum { MACHINE_LINE_BYTES = 4096 };

/* The first line of a file, in a new string; NULL when it has none. */
static char *machine_read_line(const char *path) {
    char line[MACHINE_LINE_BYTES];
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return NULL;
    bool read = fgets(line, sizeof line, file) != NULL;
    fclose(file);
    if (!read)
        return NULL;
    line[strcspn(line, "\n")] = '\0';
    return memory_copy(line);
}

/* The word in brackets of "always [madvise] never". */
static char *machine_read_choice(const char *path) {
    char *line = machine_read_line(path);
    char *open = line != NULL ? strchr(line, '[') : NULL;
    char *close = open != NULL ? strchr(open, ']') : NULL;
    char *choice = close != NULL ? memory_format("%.*s", (int)(close - open - 1), open + 1) : NULL;
    free(line);
    return choice;
}

/* x86 has "model name" and flags; others say less. */
static void machine_read_processor(struct machine *machine) {
    char line[MACHINE_LINE_BYTES];
    FILE *file = fopen("/proc/cpuinfo", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL && line[0] != '\n') {
        const char *value = strchr(line, ':');
        line[strcspn(line, "\n")] = '\0';
        if (value == NULL)
            continue;
        value += 1 + (value[1] == ' ');
        if (machine->cpu == NULL &&
            (strncmp(line, "model name", 10) == 0 || strncmp(line, "CPU part", 8) == 0))
            machine->cpu = memory_copy(value);
        if (strncmp(line, "flags", 5) == 0 && strstr(value, " hypervisor") != NULL)
            machine->is_virtual = true;
    }
    if (file != NULL)
        fclose(file);
}

static char *machine_now(void) {
    char when[32];
    time_t now = time(NULL);
    struct tm utc;
    if (gmtime_r(&now, &utc) == NULL || strftime(when, sizeof when, "%FT%TZ", &utc) == 0)
        when[0] = '\0';
    return memory_copy(when);
}

/* Only glibc knows this name; the other C library that the program is built with is musl. */
static char *machine_read_libc(void) {
    char libc[64];
    return memory_copy(confstr(_CS_GNU_LIBC_VERSION, libc, sizeof libc) > 0 ? libc : "musl");
}

void machine_read(struct machine *machine) {
    struct utsname name;
    *machine = (struct machine){
        .date = machine_now(),
        .libc = machine_read_libc(),
        .huge_pages = machine_read_choice("/sys/kernel/mm/transparent_hugepage/enabled"),
        .governor = machine_read_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        .processors = (uint64_t)sysconf(_SC_NPROCESSORS_ONLN),
        .page_bytes = (uint64_t)sysconf(_SC_PAGESIZE),
    };
    machine->memory_bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) * machine->page_bytes;
    if (uname(&name) == 0) {
        machine->system = memory_copy(name.sysname);
        machine->release = memory_copy(name.release);
        machine->architecture = memory_copy(name.machine);
        /* A container has a name of its own, which says nothing about the machine. */
        const char *host = getenv("TAGPOOL_HOST");
        machine->host = memory_copy(host != NULL && host[0] != '\0' ? host : name.nodename);
    }
    machine_read_processor(machine);
    if (getloadavg(&machine->load, 1) != 1)
        machine->load = -1;
}

void machine_free(struct machine *machine) {
    char *const texts[] = {machine->date,         machine->system,     machine->release,
                           machine->architecture, machine->host,       machine->cpu,
                           machine->libc,         machine->huge_pages, machine->governor};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        free(texts[i]);
}

void machine_print_json(struct json *json, const struct machine *machine) {
    json_text(json, "date", machine->date);
    json_plain_object(json, "machine");
    json_text(json, "system", machine->system);
    json_text(json, "release", machine->release);
    json_text(json, "architecture", machine->architecture);
    json_text(json, "host", machine->host);
    json_text(json, "processor", machine->cpu);
    json_count(json, "processors", machine->processors);
    json_truth(json, "virtual", machine->is_virtual);
    json_count(json, "memory_bytes", machine->memory_bytes);
    json_count(json, "page_bytes", machine->page_bytes);
    json_text(json, "libc", machine->libc);
    json_text(json, "huge_pages", machine->huge_pages);
    json_text(json, "governor", machine->governor);
    if (machine->load >= 0)
        json_exact(json, "load", machine->load);
    else
        json_null(json, "load");
    json_end(json);
}

static char *machine_load_text(const struct json_value *document, const char *path) {
    const char *text = json_tree_text(document, path, NULL);
    return text != NULL ? memory_copy(text) : NULL;
}

void machine_print_json_here(struct json *json) {
    struct machine machine;
    machine_read(&machine);
    machine_print_json(json, &machine);
    machine_free(&machine);
}

void machine_load(struct machine *machine, const struct json_value *document) {
    *machine = (struct machine){
        .date = machine_load_text(document, "date"),
        .system = machine_load_text(document, "machine.system"),
        .release = machine_load_text(document, "machine.release"),
        .architecture = machine_load_text(document, "machine.architecture"),
        .host = machine_load_text(document, "machine.host"),
        .cpu = machine_load_text(document, "machine.processor"),
        .libc = machine_load_text(document, "machine.libc"),
        .huge_pages = machine_load_text(document, "machine.huge_pages"),
        .governor = machine_load_text(document, "machine.governor"),
        .is_virtual = json_tree_truth(document, "machine.virtual"),
        .processors = json_tree_count(document, "machine.processors"),
        .page_bytes = json_tree_count(document, "machine.page_bytes"),
        .memory_bytes = json_tree_count(document, "machine.memory_bytes"),
        .load = json_tree_number(document, "machine.load", -1),
    };
}

char *machine_text(const struct machine *machine) {
    char *text;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    if (out == NULL)
        return memory_copy("");
    fprintf(out, "%s, %llu processor%s%s; %s %s %s",
            machine->cpu != NULL ? machine->cpu : "unknown processor",
            (unsigned long long)machine->processors, machine->processors == 1 ? "" : "s",
            machine->is_virtual ? ", virtual machine" : "",
            machine->system != NULL ? machine->system : "unknown system",
            machine->release != NULL ? machine->release : "",
            machine->architecture != NULL ? machine->architecture : "");
    if (machine->libc != NULL)
        fprintf(out, "; %s", machine->libc);
    if (machine->huge_pages != NULL)
        fprintf(out, "; huge pages %s", machine->huge_pages);
    if (machine->governor != NULL)
        fprintf(out, "; governor %s", machine->governor);
    if (machine->load >= 0)
        fprintf(out, "; load %.1f at the start", machine->load);
    fclose(out);
    return text;
}

static bool machine_differs(const char *left, const char *right) {
    return strcmp(left != NULL ? left : "", right != NULL ? right : "") != 0;
}

char *machine_difference(const struct machine *left, const struct machine *right) {
    const struct {
        const char *title, *left, *right;
    } facts[] = {
        {"host", left->host, right->host},
        {"architecture", left->architecture, right->architecture},
        {"processor", left->cpu, right->cpu},
        {"kernel", left->release, right->release},
        {"C library", left->libc, right->libc},
    };
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++)
        if (machine_differs(facts[i].left, facts[i].right))
            return memory_format("%s: %s, %s", facts[i].title,
                                 facts[i].left != NULL ? facts[i].left : "unknown",
                                 facts[i].right != NULL ? facts[i].right : "unknown");
    if (left->processors != right->processors)
        return memory_format("processors: %llu, %llu", (unsigned long long)left->processors,
                             (unsigned long long)right->processors);
    return NULL;
}

void machine_read_ticks(struct machine_ticks *ticks) {
    /* cpu user nice system idle iowait irq softirq steal guest guest_nice; the guests' time is in
     * user and nice already. */
    *ticks = (struct machine_ticks){0};
    char *line = machine_read_line("/proc/stat");
    char *next = line != NULL && strncmp(line, "cpu ", 4) == 0 ? line + 4 : NULL;
    for (int i = 0; next != NULL && i < 8; i++) {
        double value = strtod(next, &next);
        ticks->all += value;
        if (i == 7)
            ticks->steal = value;
    }
    free(line);
}

double machine_steal(const struct machine_ticks *before, const struct machine_ticks *after) {
    double all = after->all - before->all;
    return all > 0 ? (after->steal - before->steal) / all : -1;
}
