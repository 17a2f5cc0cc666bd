#include "objects.h"

#include "libc.h"

#include <link.h>
#include <string.h>

/* Of glibc's loader, for debuggers: where its list begins. Absent elsewhere. */
#pragma weak _r_debug

/* This library's own, by the linker's name for it. */
extern HIDDEN ElfW(Dyn) _DYNAMIC[];

enum { VERSION_HIDDEN = 0x8000 };

/* What the dynamic section of an object says of its symbols. */
struct symbols {
    uintptr_t base;
    const ElfW(Sym) * symbol;
    const char *strings;
    const uint16_t *versions;
    const uint32_t *gnu_hash;
    const uint32_t *old_hash;
    const char *soname;
    unsigned types; /* of the symbols looked for: a bit for each */
};

enum {
    FUNCTIONS = 1u << STT_FUNC | 1u << STT_NOTYPE | 1u << STT_GNU_IFUNC,
    VARIABLES = 1u << STT_OBJECT,
};

#ifdef __GLIBC__
AT_LOAD static const struct link_map *first_object(void) {
    return &_r_debug != NULL ? _r_debug.r_map : NULL;
}
#else
/* musl's loader gives its handle of the program without taking memory. The function that is asked
 * is its own: this library has one of that name. */
static const struct link_map *first_object(void) {
    static struct link_map *first;
    if (first == NULL) {
        typedef void *opens(const char *, int);
        opens *open = AS_FUNCTION(opens, dlsym(RTLD_NEXT, "dlopen"));
        void *program = open != NULL ? open(NULL, RTLD_LAZY) : NULL;
        if (program == NULL || dlinfo(program, RTLD_DI_LINKMAP, &first) != 0)
            first = NULL;
    }
    return first;
}
#endif

/* The loader adds the base to the addresses in a dynamic section where it may write to it. NULL if
 * there is no such entry. */
AT_LOAD static const void *address_in(uintptr_t base, ElfW(Addr) address) {
    if (address == 0)
        return NULL;
    return (const void *)(address < base ? base + address : address);
}

AT_LOAD static void read_dynamic(struct symbols *found, const struct link_map *object) {
    enum { KNOWN = DT_SONAME + 1 };
    uintptr_t base = object->l_addr;
    ElfW(Addr) value[KNOWN] = {0}; /* of the older entries: each in one step, asked for or not */
    ElfW(Addr) gnu_hash = 0, versions = 0;
    for (const ElfW(Dyn) *entry = object->l_ld; entry->d_tag != DT_NULL; entry++) {
        if ((size_t)entry->d_tag < KNOWN)
            value[entry->d_tag] = entry->d_un.d_ptr;
        else if (entry->d_tag == DT_GNU_HASH)
            gnu_hash = entry->d_un.d_ptr;
        else if (entry->d_tag == DT_VERSYM)
            versions = entry->d_un.d_ptr;
    }
    *found = (struct symbols){
        .base = base,
        .symbol = address_in(base, value[DT_SYMTAB]),
        .strings = address_in(base, value[DT_STRTAB]),
        .versions = address_in(base, versions),
        .gnu_hash = address_in(base, gnu_hash),
        .old_hash = address_in(base, value[DT_HASH]),
        .types = FUNCTIONS,
    };
    if (value[DT_SONAME] != 0 && found->strings != NULL)
        found->soname = found->strings + value[DT_SONAME];
}

/* True for the default version of the symbol of that name. */
AT_LOAD static bool defines(const struct symbols *symbols, uint32_t index, const char *name) {
    const ElfW(Sym) *symbol = &symbols->symbol[index];
    unsigned type = ELF64_ST_TYPE(symbol->st_info);
    if (symbol->st_shndx == SHN_UNDEF || symbol->st_value == 0 || (symbols->types >> type & 1) == 0)
        return false;
    if (symbols->versions != NULL && (symbols->versions[index] & VERSION_HIDDEN) != 0)
        return false;
    return strcmp(symbols->strings + symbol->st_name, name) == 0;
}

AT_LOAD static uint32_t gnu_hash(const char *name) {
    uint32_t hash = 5381;
    for (; *name != '\0'; name++)
        hash = hash * 33 + (unsigned char)*name;
    return hash;
}

/* The table begins with four numbers: how many buckets, the first symbol in it, words and shift of
 * the filter. Then the filter, the buckets, and for each symbol its hash, whose lowest bit ends the
 * bucket. */
AT_LOAD static const ElfW(Sym) * find_by_gnu_hash(const struct symbols *symbols, const char *name) {
    const uint32_t *table = symbols->gnu_hash;
    uint32_t bucket_count = table[0], first = table[1], filter_words = table[2];
    const ElfW(Addr) *filter = (const ElfW(Addr) *)(const void *)(table + 4);
    const uint32_t *buckets = (const uint32_t *)(const void *)(filter + filter_words);
    const uint32_t *hashes = buckets + bucket_count - first;
    uint32_t hash = gnu_hash(name);
    uint64_t word = filter[hash / WORD_BITS % filter_words];
    if ((word >> hash % WORD_BITS & word >> (hash >> table[3]) % WORD_BITS & 1) == 0)
        return NULL;
    uint32_t index = buckets[hash % bucket_count];
    if (index == 0)
        return NULL;
    for (;; index++) {
        if ((hashes[index] | 1) == (hash | 1) && defines(symbols, index, name))
            return &symbols->symbol[index];
        if ((hashes[index] & 1) != 0)
            return NULL;
    }
}

/* The older table begins with how many buckets and how many symbols there are. All of these are
 * looked through: few libraries have no other table. */
static const ElfW(Sym) * find_by_old_hash(const struct symbols *symbols, const char *name) {
    for (uint32_t i = 1; i < symbols->old_hash[1]; i++)
        if (defines(symbols, i, name))
            return &symbols->symbol[i];
    return NULL;
}

AT_LOAD static const ElfW(Sym) * find(const struct symbols *symbols, const char *name) {
    if (symbols->symbol == NULL || symbols->strings == NULL)
        return NULL;
    if (symbols->gnu_hash != NULL)
        return find_by_gnu_hash(symbols, name);
    return symbols->old_hash != NULL ? find_by_old_hash(symbols, name) : NULL;
}

AT_LOAD static void *address_of(const struct symbols *symbols, const ElfW(Sym) * symbol) {
    if (symbol == NULL || ELF64_ST_TYPE(symbol->st_info) == STT_GNU_IFUNC)
        return NULL;
    return (void *)(symbols->base + symbol->st_value);
}

/* The symbols of the first object that has such a symbol, from one on; false if none has it. */
AT_LOAD static bool find_object(struct symbols *symbols, const struct link_map *from,
                                const char *name, unsigned types) {
    for (; from != NULL; from = from->l_next) {
        read_dynamic(symbols, from);
        symbols->types = types;
        if (find(symbols, name) != NULL)
            return true;
    }
    return false;
}

/* The address of the first such symbol of all. */
static void *find_first(const char *name, unsigned types) {
    struct symbols symbols;
    return find_object(&symbols, first_object(), name, types)
               ? address_of(&symbols, find(&symbols, name))
               : NULL;
}

AT_LOAD static const struct link_map *this_object(void) {
    const struct link_map *at = first_object();
    while (at != NULL && at->l_ld != _DYNAMIC)
        at = at->l_next;
    return at;
}

/* The C library stands behind what was loaded at the start, and before what was loaded later. First
 * asked as this library is loaded, and the same ever after. */
AT_LOAD bool objects_are_listed(void) {
    static FIXED enum { UNKNOWN, LISTED, NOT_LISTED } state;
    if (state == UNKNOWN)
        state = objects_behind("__libc_start_main") != NULL ? LISTED : NOT_LISTED;
    return state == LISTED;
}

/* The first symbol of either name before this library; NULL if there is none. A call comes to any
 * version, the C library's own older ones too: libc_malloc_debug.so has no other. */
AT_LOAD static const ElfW(Sym) *
    find_before(struct symbols *symbols, const char *one, const char *other) {
    const struct link_map *ours = this_object();
    const ElfW(Sym) *symbol = NULL;
    for (const struct link_map *at = first_object(); ours != NULL && at != ours && symbol == NULL;
         at = at->l_next) {
        read_dynamic(symbols, at);
        symbols->versions = NULL;
        symbol = find(symbols, one);
        if (symbol == NULL && other != NULL)
            symbol = find(symbols, other);
    }
    return symbol;
}

void *objects_before(const char *name) {
    struct symbols symbols;
    const ElfW(Sym) *symbol = find_before(&symbols, name, NULL);
    return symbol != NULL ? address_of(&symbols, symbol) : NULL;
}

AT_LOAD bool objects_has_before(const char *one, const char *other) {
    struct symbols symbols;
    return find_before(&symbols, one, other) != NULL;
}

AT_LOAD void *objects_beside(const char *neighbour, const char *name) {
    const struct link_map *ours = this_object();
    struct symbols symbols;
    if (ours == NULL || !find_object(&symbols, ours->l_next, neighbour, FUNCTIONS))
        return NULL;
    return address_of(&symbols, find(&symbols, name));
}

AT_LOAD void *objects_behind(const char *name) {
    return objects_beside(name, name);
}

void *objects_in(const char *library, const char *name) {
    for (const struct link_map *at = first_object(); at != NULL; at = at->l_next) {
        struct symbols symbols;
        read_dynamic(&symbols, at);
        if (symbols.soname != NULL && strcmp(symbols.soname, library) == 0)
            return address_of(&symbols, find(&symbols, name));
    }
    return NULL;
}

void *objects_function(const char *name) {
    return find_first(name, FUNCTIONS);
}

/* The program has a copy of a library's variable if its code names it: that one comes first. */
void *objects_variable(const char *name) {
    return find_first(name, VARIABLES);
}

/* ---- by address ---- */

#ifdef LIBC_FIND_OBJECT

/* How many symbols there are: the hash tables alone tell. In the newer one, the last symbol of the
 * bucket that begins last is the last of all. */
APART static uint32_t symbol_count(const struct symbols *symbols) {
    const uint32_t *table = symbols->gnu_hash;
    if (table == NULL)
        return symbols->old_hash != NULL ? symbols->old_hash[1] : 0;
    uint32_t bucket_count = table[0], first = table[1], filter_words = table[2];
    const ElfW(Addr) *filter = (const ElfW(Addr) *)(const void *)(table + 4);
    const uint32_t *buckets = (const uint32_t *)(const void *)(filter + filter_words);
    const uint32_t *hashes = buckets + bucket_count - first;
    uint32_t last = 0;
    for (uint32_t i = 0; i < bucket_count; i++)
        if (buckets[i] > last)
            last = buckets[i];
    if (last == 0)
        return 0;
    while ((hashes[last] & 1) == 0)
        last++;
    return last + 1;
}

APART bool objects_find_symbol(uintptr_t address, struct objects_symbol *found) {
    struct dl_find_object object;
    struct symbols symbols;
    if (&_dl_find_object == NULL || _dl_find_object((void *)address, &object) != 0)
        return false;
    read_dynamic(&symbols, object.dlfo_link_map);
    if (symbols.symbol == NULL || symbols.strings == NULL)
        return false;
    uint32_t count = symbol_count(&symbols);
    for (uint32_t i = 1; i < count; i++) {
        const ElfW(Sym) *symbol = &symbols.symbol[i];
        uintptr_t offset = address - symbols.base - symbol->st_value;
        if (symbol->st_shndx == SHN_UNDEF || ELF64_ST_TYPE(symbol->st_info) != STT_FUNC ||
            offset >= symbol->st_size)
            continue;
        *found = (struct objects_symbol){symbols.strings + symbol->st_name, offset};
        return true;
    }
    return false;
}

#else

bool objects_find_symbol(uintptr_t address, struct objects_symbol *found) {
    (void)address;
    (void)found;
    return false;
}

#endif
