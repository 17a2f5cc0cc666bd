#include "bench/panel.h"

#include <string.h>

#define PANEL_GROUP_NAME(ID, NAME, TITLE)  [PANEL_##ID] = NAME,
#define PANEL_GROUP_TITLE(ID, NAME, TITLE) [PANEL_##ID] = TITLE,
const char *const panel_group_names[] = {PANEL_GROUPS(PANEL_GROUP_NAME)};
const char *const panel_group_titles[] = {PANEL_GROUPS(PANEL_GROUP_TITLE)};

#define PANEL_PYTHON "import json, sys; print(len(json.load(open(sys.argv[1]))))"

/* PHP opens no file without a name, as the documents are. */
#define PANEL_PHP                                                                                  \
    "$d = new DOMDocument(); $d->loadXML(stream_get_contents(popen(\"cat $argv[1]\", 'r')));"      \
    "print $d->getElementsByTagName('*')->length;"
#define PANEL_PERL "print XML::LibXML->load_xml(location => $ARGV[0])->findnodes('//*')->size"
#define PANEL_LXML                                                                                 \
    "import lxml.etree, sys\nfor i in range(3): n = "                                              \
    "len(list(lxml.etree.parse(sys.argv[1]).iter()))"                                              \
    "\nprint(n)"
#define PANEL_RUBY "puts Nokogiri::XML(File.read(ARGV[0])).xpath('//*').size"
#define PANEL_LUA  "print(#require('cjson').decode(io.open(arg[1]):read('a')).records)"

const struct panel_workload panel_workloads[] = {
    {PANEL_SMALL_DOCUMENT,
     PANEL_PARSERS,
     true,
     {"workloads/json_parse", "-r", "4000", PANEL_SMALL_WORD}},
    {PANEL_LARGE_DOCUMENT, PANEL_PARSERS, true, {"workloads/json_parse", PANEL_LARGE_WORD}},
    {"jq length 4 MB", PANEL_PARSERS, true, {"jq", "length", "@4M.json"}},
    {"jq print 2 MB", PANEL_PARSERS, false, {"jq", ".", "@2M.json"}},
    {"xmllint --noout 8 MB", PANEL_PARSERS, true, {"xmllint", "--noout", "@8M.xml"}},
    {"xmllint print 5 MB", PANEL_PARSERS, false, {"xmllint", "@5M.xml"}},
    {"cjson 10 KB", PANEL_PARSERS, true, {"drivers/cjson", "@10K.json", "4000"}},
    {"cjson 8 MB", PANEL_PARSERS, false, {"drivers/cjson", "@8M.json", "1"}},
    {"jansson 10 KB", PANEL_PARSERS, true, {"drivers/jansson", "@10K.json", "1200"}},
    {"jansson 4 MB", PANEL_PARSERS, false, {"drivers/jansson", "@4M.json", "1"}},
    {"json-c 10 KB", PANEL_PARSERS, false, {"drivers/json-c", "@10K.json", "1800"}},
    {"json-c 5 MB", PANEL_PARSERS, true, {"drivers/json-c", "@5M.json", "1"}},
    {"nlohmann-json 10 KB", PANEL_PARSERS, false, {"drivers/nlohmann-json", "@10K.json", "2000"}},
    {"nlohmann-json 5 MB", PANEL_PARSERS, true, {"drivers/nlohmann-json", "@5M.json", "1"}},
    {"libxml2 50 KB", PANEL_PARSERS, true, {"drivers/libxml2", "@50K.xml", "400"}},
    {"libxml2 5 MB", PANEL_PARSERS, false, {"drivers/libxml2", "@5M.xml", "1"}},
    {"expat 50 KB", PANEL_PARSERS, true, {"drivers/expat", "@50K.xml", "300"}},
    {"expat 8 MB", PANEL_PARSERS, false, {"drivers/expat", "@8M.xml", "1"}},
    {"libyaml 20 KB", PANEL_PARSERS, true, {"drivers/libyaml", "@20K.yaml", "400"}},
    {"libyaml 2 MB", PANEL_PARSERS, false, {"drivers/libyaml", "@2M.yaml", "1"}},
    {"gumbo 50 KB", PANEL_PARSERS, false, {"drivers/gumbo", "@50K.html", "80"}},
    {"gumbo 2 MB", PANEL_PARSERS, true, {"drivers/gumbo", "@2M.html", "1"}},
    {"python3 3 MB", PANEL_PARSERS, true, {"python3", "-c", PANEL_PYTHON, "@3M.json"}},
    {"cxx_tree", PANEL_PARSERS, true, {"workloads/cxx_tree"}},
    {"json_parse 5 MB, 6 times",
     PANEL_PARSERS,
     true,
     {"workloads/json_parse", "-r", "6", PANEL_LARGE_WORD}},
    {"libxml2 5 MB, 4 times", PANEL_PARSERS, false, {"drivers/libxml2", "@5M.xml", "4"}},
    {"php DOM 5 MB", PANEL_PARSERS, false, {"php", "-r", PANEL_PHP, "@5M.xml"}},
    {"perl XML::LibXML 5 MB",
     PANEL_PARSERS,
     false,
     {"perl", "-MXML::LibXML", "-e", PANEL_PERL, "@5M.xml"}},
    {"lxml 5 MB, 3 times", PANEL_PARSERS, false, {"python3", "-c", PANEL_LXML, "@5M.xml"}},
    {"ruby Nokogiri 2 MB",
     PANEL_PARSERS,
     false,
     {"ruby", "-rnokogiri", "-e", PANEL_RUBY, "@2M.xml"}},
    {"lua cjson 4 MB", PANEL_PARSERS, false, {"lua5.4", "-e", PANEL_LUA, "-", "@4M.json"}},
    {"cmark 2 MB", PANEL_PARSERS, false, {"cmark", "@2M.yaml"}},
    {"protoc 512 KB", PANEL_PARSERS, true, {"protoc", "-I/", "-o/dev/stdout", "@512K.proto"}},
    {"yaml-cpp 512 KB", PANEL_PARSERS, false, {"drivers/yaml-cpp", "@512K.yaml", "1"}},
    {"replace", PANEL_HABITS, true, {"workloads/replace", "-n", "2500000"}},
    {"pairs", PANEL_HABITS, true, {"workloads/pairs", "-n", "12000000"}},
    {"grow", PANEL_HABITS, false, {"workloads/grow"}},
    {"parse 2 threads", PANEL_THREADS, true, {"workloads/threads_parse", "-t", "2", "-r", "200"}},
    {"parse 4 threads", PANEL_THREADS, false, {"workloads/threads_parse", "-t", "4", "-r", "100"}},
    {"parse 8 threads", PANEL_THREADS, false, {"workloads/threads_parse", "-t", "8", "-r", "50"}},
    {"hand-over 2 threads",
     PANEL_THREADS,
     true,
     {"workloads/threads_handover", "-p", "1", "-n", "2500"}},
    {"hand-over 4 threads",
     PANEL_THREADS,
     false,
     {"workloads/threads_handover", "-p", "2", "-n", "1000"}},
    {"hand-over 8 threads",
     PANEL_THREADS,
     false,
     {"workloads/threads_handover", "-p", "4", "-n", "400"}},
    {PANEL_EXCHANGE, PANEL_THREADS, true, {"workloads/threads_exchange", "-t", "2", "-n", "1500K"}},
    {"exchange 4 threads",
     PANEL_THREADS,
     false,
     {"workloads/threads_exchange", "-t", "4", "-n", "600K"}},
    {"exchange 8 threads",
     PANEL_THREADS,
     false,
     {"workloads/threads_exchange", "-t", "8", "-n", "300K"}},
    {"churn 4 threads", PANEL_THREADS, true, {"workloads/threads_churn", "-n", "2500"}},
    {"replace 2 threads", PANEL_THREADS, true, {"workloads/threads_replace", "-g", "10"}},
    {"bursts 2 threads",
     PANEL_THREADS,
     true,
     {"workloads/threads_bursts", "-t", "2", "-g", "25", "-b", "5000"}},
    {"bursts 4 threads",
     PANEL_THREADS,
     false,
     {"workloads/threads_bursts", "-t", "4", "-g", "20", "-b", "2500"}},
    {PANEL_REPLAY, PANEL_CALLS, true, {"workloads/json_replay", "-r", "12000", "@10K.json"}},
    {PANEL_REPLAY_BARE,
     PANEL_CALLS,
     true,
     {"workloads/json_replay", "-b", "-r", "12000", "@10K.json"}},
    {0},
};

/* By the word of a command that is a program itself. */
const char *panel_needs(const struct panel_workload *workload) {
    static const struct {
        const char *word;
        const char *command;
    } needs[] = {
        {PANEL_PHP, "php -r 'new DOMDocument();'"},
        {PANEL_PERL, "perl -MXML::LibXML -e 1"},
        {PANEL_LXML, "python3 -c 'import lxml.etree'"},
        {PANEL_RUBY, "ruby -rnokogiri -e 1"},
        {PANEL_LUA, "lua5.4 -lcjson -e ''"},
    };
    for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++)
        for (int word = 1; word < PANEL_WORDS_MAX && workload->words[word] != NULL; word++)
            if (strcmp(workload->words[word], needs[i].word) == 0)
                return needs[i].command;
    return NULL;
}

void panel_add_variants(struct variants *variants) {
    static const struct variant configurations[] = {
        {.name = "system"},
        {.name = "tagpool metadata", .settings = "strategy=metadata", .shim = true},
        {.name = "tagpool tagged", .settings = "strategy=tagged", .shim = true},
        {.name = "tagpool hardened", .settings = "harden=on", .shim = true},
    };
    for (size_t i = 0; i < sizeof configurations / sizeof configurations[0]; i++)
        variants_add(variants, configurations[i]);
}
