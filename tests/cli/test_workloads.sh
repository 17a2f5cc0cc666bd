#!/bin/sh
# If this failed, measurements would be about something else than they say: documents of another
# size or content on each machine, a parser that reads wrongly, or threads that lose blocks.
set -u
# shellcheck source=tests/harness/tap.sh
. tests/harness/tap.sh
workloads=$build/workloads

# parse TEXT: what json_parse says of it, with its status behind.
parse() {
    printf '%s' "$1" | "$workloads/json_parse" - 2>&1
    echo "status $?"
}

# meaning TEXT: the checksum of its tree.
meaning() {
    printf '%s' "$1" | "$workloads/json_parse" - | sed 's/.*checksum //'
}

# differ TEXT TEXT: yes or no.
differ() {
    one=$(meaning "$1")
    two=$(meaning "$2")
    if [ -z "$one$two" ]; then
        echo unreadable
    elif [ "$one" = "$two" ]; then
        echo no
    else
        echo yes
    fi
}

# Checksum and size as cksum prints them: the same bytes on every machine and from every compiler.
while read -r format wanted; do
    is "$wanted" "$("$workloads/${format}_generate" 10K | cksum)" \
        "${format}_generate writes the recorded 10 KB"
    for size in 1024 3001 1000000; do
        is $size "$("$workloads/${format}_generate" -s 9 $size | wc -c | tr -d ' ')" \
            "${format}_generate -s 9 writes $size bytes"
    done
    other=$("$workloads/${format}_generate" -s 2 10K | cksum)
    is different "$([ "$other" = "$wanted" ] && echo same || echo different)" \
        "${format}_generate writes something else for another seed"
done <<'LIST'
json 4143731116 10240
xml 1281643404 10240
yaml 1572956363 10240
html 3334856288 10240
proto 3482502384 10240
LIST

"$workloads/json_generate" 200K >"$work/document.json"
"$workloads/json_parse" -r 3 "$work/document.json" >/dev/null
is 0 $? "json_parse reads what json_generate writes"
is "$("$workloads/json_parse" "$work/document.json")" \
    "$("$workloads/json_parse" -r 5 "$work/document.json")" \
    "json_parse -r 5 ends with the same tree"
is "$("$workloads/json_parse" "$work/document.json")" \
    "$("$workloads/json_parse" -k "$work/document.json")" "json_parse -k reads the same tree"
if command -v xmllint >/dev/null; then
    is "" "$("$workloads/xml_generate" 200K | xmllint --noout - 2>&1)" \
        "xmllint accepts what xml_generate writes"
else
    skip "xmllint accepts what xml_generate writes" "xmllint is not installed"
fi
if command -v protoc >/dev/null; then
    "$workloads/proto_generate" 200K >"$work/schema.proto"
    is "" "$(protoc -I "$work" -o/dev/null "$work/schema.proto" 2>&1)" \
        "protoc accepts what proto_generate writes"
else
    skip "protoc accepts what proto_generate writes" "protoc is not installed"
fi

is "10 values" \
    "$(parse '{"a":[1,-0.5,2e3,true,false,null],"\u00e9":"\n","":{}}' | sed 's/,.*//;q')" \
    "values of every kind are counted"
is no \
    "$(differ '{"a":1,"b":"\u00e9\/\ud83d\ude00"}' ' { "\u0061" : 1.0,"b":"é/😀" } ')" \
    "two spellings of one tree have one checksum"
is yes "$(differ '[[],1]' '[[1]]')" "nesting changes the checksum"
is yes "$(differ '["ab","c"]' '["a","bc"]')" "the borders of strings change the checksum"
is yes "$(differ '{"a":1}' '{"b":1}')" "a key changes the checksum"
is yes "$(differ '[1]' '[1.0000001]')" "a number changes the checksum"
is yes "$(differ '["x"]' '["x\u0000"]')" "a NUL in a string changes the checksum"
is yes "$(differ '[true]' '[false]')" "a boolean changes the checksum"

deep() {
    head -c "$1" /dev/zero | tr '\0' '['
    head -c "$1" /dev/zero | tr '\0' ']'
}
is "1000 values" "$(parse "$(deep 1000)" | sed 's/,.*//;q')" "1000 arrays in each other are read"
is "json_parse: -:1: arrays and objects are nested more than 1000 deep
status 1" "$(parse "$(deep 1001)")" "1001 arrays in each other are refused"

# A line of the list: the line that is named, what is said, the text with | for a line break.
while IFS='~' read -r line message text; do
    is "json_parse: -:$line: $message
status 1" "$(parse "$(printf '%s' "$text" | tr '|' '\n')")" "refused: $text"
done <<'LIST'
1~a value or a number is malformed~
3~a value or a number is malformed~[1,|2,|]
2~a comma or ] is missing in an array~[1|2]
1~a comma or } is missing in an object~{"a":1 "b"
2~a member of an object has no key in quotes~{|a:1}
1~a colon is missing behind a key~{"a" 1}
1~a string has no closing quote~["a
1~a string has no closing quote~["a\"]
1~a string has a wrong escape~["\x"]
1~a string has a wrong escape~["\u12g4"]
1~a string has a wrong escape~["\ud83d"]
1~a string has a wrong escape~["\ud83d\u0041"]
1~a string has a wrong escape~["\ude00"]
1~a string has a control character~["a|b"]
1~a value is malformed~[nul]
1~a value or a number is malformed~[01]
1~a value or a number is malformed~[1.]
1~a value or a number is malformed~[.5]
1~a value or a number is malformed~[1e]
1~a value or a number is malformed~[+1]
1~a comma or ] is missing in an array~[0x10]
2~something follows the document~[1]|[2]
LIST

# What each prints in a small run; threads and allocators must not change it.
while IFS='~' read -r command wanted; do
    # shellcheck disable=SC2086 # the words of the command
    is "$wanted" "$("$workloads"/$command 2>&1)" "$command prints what is recorded"
done <<'LIST'
threads_parse -r 2 -b 10K~2 threads, 690 values, checksum 0e96d143219add0c
threads_handover -p 2 -n 20~40 trees of 690 values handed over, 0 damaged, checksum 0e96d143219add0c
threads_exchange -t 4 -n 2000~8000 blocks exchanged, sum 3a76ebcc7da27987
threads_churn -n 20 -b 50~20 threads of 50 blocks, sum 38299af9b69a83b1
threads_replace -g 3 -n 2000 -l 100~6 threads replaced 2000 blocks each, sum 0000000168f28d27
threads_bursts -t 3 -g 4 -b 100~3600 blocks in 12 threads, 0 damaged
replace -n 5000 -l 500~5000 blocks replaced, sum 96b432a25d7cbf62
pairs -n 5000~5000 rounds, value 09c0cb930b9fd8760d8025d4f94a35da46d208c1
grow -n 20000~212 strings grown, checksum b6b8546937953f9f
LIST
if [ -x "$workloads/cxx_tree" ] || command -v "${CXX:-c++}" >/dev/null; then
    is "2989 directories, checksum 09766aea633ceb16" "$("$workloads/cxx_tree" -n 2 -p 500)" \
        "cxx_tree prints what is recorded"
else
    skip "cxx_tree prints what is recorded" "there is no C++ compiler"
fi

# usage COMMAND...: the status and the number of lines of a refusal, and whether it names the usage.
usage() {
    "$@" >"$work/usage" 2>&1 </dev/null
    echo "$? $(wc -l <"$work/usage" | tr -d ' ') $(grep -c '; usage: ' "$work/usage")"
}
for program in json_parse json_generate xml_generate yaml_generate html_generate proto_generate \
    threads_parse threads_handover threads_exchange threads_churn threads_replace threads_bursts \
    replace pairs grow; do
    is "2 1 1" "$(usage "$workloads/$program" -Z 1)" \
        "$program refuses an unknown option in one line"
    is "2 1 1" "$(usage "$workloads/$program" 1K b c)" \
        "$program refuses extra arguments in one line"
done
for size in '' 0 1023 10X 10KB -5 0x400 99999999999999999999 99999999999999999G 5G; do
    is "2 1 1" "$(usage "$workloads/json_generate" -- "$size")" \
        "json_generate refuses the size '$size'"
done
is "2 1 1" "$(usage "$workloads/json_parse" -r 0 x)" "json_parse refuses to repeat 0 times"
is "2 1 1" "$(usage "$workloads/threads_exchange" -t 1)" "threads_exchange refuses a single thread"
is "json_parse: cannot read $work/none: No such file or directory" \
    "$("$workloads/json_parse" "$work/none" 2>&1)" "a missing file is named"
finish
