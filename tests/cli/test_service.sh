#!/bin/sh
# If this failed, a service would be measured wrongly, or something of it would go on running after
# the measurement.
# shellcheck source=tests/cli/lib.sh
. tests/cli/lib.sh

has_loopback || skip_all "the loopback network is down"
# service PORT MODE: answers each connection with a line, after some work with small blocks.
compile service <<'C' || skip_all "no C compiler"
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
static void work(void) {
    void *blocks[2000];
    for (int i = 0; i < 2000; i++)
        *(volatile char *)(blocks[i] = malloc(40 + i % 100)) = 1;
    for (int i = 0; i < 2000; i++)
        free(blocks[i]);
}
int main(int argc, char **argv) {
    const char *mode = argc > 2 ? argv[2] : "";
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1]))};
    int yes = 1, one, door = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(door, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (strcmp(mode, "die") == 0) {
        fputs("no configuration\n", stderr);
        return 7;
    }
    if (strcmp(mode, "deaf") == 0)
        return pause();
    if (bind(door, (void *)&address, sizeof address) != 0 || listen(door, 64) != 0) {
        perror("bind");
        return 1;
    }
    if (strcmp(mode, "away") == 0 && fork() != 0)
        return 0;
    if (strcmp(mode, "family") == 0 && fork() == 0) { /* a child in a session of its own */
        setsid();
        signal(SIGTERM, SIG_IGN);
        for (;;)
            pause();
    }
    for (int served = 0; (one = accept(door, NULL, NULL)) >= 0; served++) {
        char line[512];
        work();
        if (strcmp(mode, "crash") == 0 && served == 3)
            abort();
        if (read(one, line, sizeof line) > 0)
            (void)!write(one, "HTTP/1.0 200 OK\r\n\r\nok\n", 22);
        close(one);
    }
}
C
# load PORT COUNT: so many requests; says how many.
compile load <<'C'
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
int main(int argc, char **argv) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1]))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int answered = 0;
    for (int i = 0; i < atoi(argv[2]); i++) {
        char line[64];
        int one = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(one, (void *)&address, sizeof address) == 0 && write(one, "GET\n", 4) == 4 &&
            read(one, line, sizeof line) > 0)
            answered++;
        close(one);
    }
    printf("answered: %d\n", answered);
    return answered == atoi(argv[2]) ? 0 : 9;
}
C

service=$work/service
load=$work/load
compile free_port <tests/cli/programs/free_port.c
port=$(($("$work/free_port")))

# Nothing of the service and its load runs.
nothing_left() {
    ! readlink /proc/[0-9]*/exe | grep -qxF -e "$service" -e "$load"
}
# fails TEXT SENTENCE MODE OPTION...: a comparison ends with status 3 and that one line.
fails() {
    text=$1
    sentence=$2
    mode=$3
    shift 3
    run compare --service "$service $port $mode" --ready "tcp:127.0.0.1:$port" -r 1 \
        --no-headroom "$@" -- "$load" $port 20
    [ "$status" -eq 3 ] && [ "$(cat "$work/err")" = "tagpool compare: $text" ] &&
        [ ! -s "$work/out" ] && nothing_left
    check $? "$sentence"
}

# ---- what is measured ----

run compare --service "$service $port" --ready tcp:127.0.0.1:$port --settle 0.1 -r 6 \
    --no-headroom --metric 'answers=answered: ([0-9]+):higher' --export-json "$work/saved.json" \
    --export-csv "$work/saved.csv" --export-markdown "$work/saved.md" --html "$work/saved.html" \
    -- "$load" $port 150
[ "$status" -eq 0 ] && grep -q "^$service $port, loaded by $load $port 150$" "$work/out" &&
    nothing_left
check $? "a service is measured under its load"
for metric in wall cpu "peak memory" "page faults" answers memory_after_load memory_settled; do
    grep -q "^  $metric  *system  *[0-9]" "$work/out"
    check $? "the table has $metric"
done
grep -q '^tagpool served [0-9.]* % of [0-9]* calls' "$work/out"
check $? "the shim proved itself in the service"

# 150 requests of 2000 pairs take a millisecond of CPU time at least, in the service alone.
awk '/"wall_seconds": [0-9]/ && /"variant"/ {
        runs++
        match($0, /"user_seconds": [0-9.e-]+/)
        cpu = substr($0, RSTART + 16, RLENGTH - 16)
        if (cpu < 0.001 || cpu > 60) bad = 1
     }
     END { exit bad || runs != 12 }' "$work/saved.json"
check $? "CPU time is that of the service while it is loaded"
grep -q '"service": {' "$work/saved.json" && grep -q "\"ready\": \"tcp:127.0.0.1:$port\"" \
    "$work/saved.json" && grep -q memory_settled "$work/saved.csv" &&
    grep -q 'memory.*after.*load' "$work/saved.md" && grep -q memory_after_load "$work/saved.html"
check $? "every form has it"
run report "$work/saved.json" --html "$work/again.html"
[ "$status" -eq 0 ] && cmp -s "$work/saved.html" "$work/again.html"
check $? "and it is read back as it was"

run compare --service "$service $port" --ready "http://127.0.0.1:$port/" -r 1 --no-headroom \
    -- "$load" $port 10
[ "$status" -eq 0 ] && nothing_left
check $? "readiness is asked by HTTP"
run compare --service "$service $port" --ready "'$load' $port 1" -r 1 --no-headroom \
    -- "$load" $port 10
[ "$status" -eq 0 ] && nothing_left
check $? "or by a command"

run compare --service "$service $port family" --ready tcp:127.0.0.1:$port -r 1 --patience 3 \
    --no-headroom -- "$load" $port 10
[ "$status" -eq 0 ] && nothing_left && grep -qx "tagpool compare: note: '$service $port family' \
did not end within 3 s of SIGTERM and was killed" "$work/err"
check $? "a child that leaves the group and ignores SIGTERM is killed"

# ---- what goes wrong ----

fails "'$service $port die' ended with exit status 7 before it was ready (\"no configuration\")" \
    "a service that dies at its start is said, with its last words" die
fails "'$service $port away' ended and left its processes in the background: tell it to stay in \
the foreground, as nginx does with -g 'daemon off;'" "a service that forks away is said" away
fails "'$service $port deaf' was not ready within 0.5 s by --ready tcp:127.0.0.1:$port: correct \
the test, or give it more time with --patience" \
    "a service that is never ready is said" deaf --patience 0.5
fails "'$service $port crash' did not live through its load: signal 6 (Aborted)" \
    "a service that dies under its load is said" crash

run compare --service "$service $port" --ready true -r 1 -- "$load" $port 1
[ "$status" -eq 3 ] && nothing_left && [ "$(cat "$work/err")" = "tagpool compare: --ready true \
says ready before '$service $port' is started: another program has the port, or the test does \
not ask this service" ]
check $? "a test that lies is found out"

"$service" $port &
other=$!
# answers: does a service?
answers() {
    "$load" "$port" 1 >/dev/null 2>&1
}
await answers
run compare --service "$service $port" --ready tcp:127.0.0.1:$port -r 1 -- "$load" $port 1
[ "$status" -eq 3 ] && grep -q "another program has the port" "$work/err" && kill -0 "$other"
check $? "a port in use is said, and its owner is left alone"
# The service fails to bind, and the test is of something that the other one does not answer.
run compare --service "$service $port" --ready "test -e $work/never" -r 1 \
    -- "$load" $port 1
[ "$status" -eq 3 ] && grep -q "ended with exit status 1 before it was ready (\"bind: Address \
already in use\")" "$work/err"
check $? "and the service's own words about it are shown"
kill "$other"
wait "$other" 2>/dev/null

run compare --service "$service $port" --ready tcp:127.0.0.1:$port -r 1 -- "$load" 1 1
[ "$status" -eq 3 ] && nothing_left && grep -q "^tagpool compare: $load ended with exit status 9" \
    "$work/err"
check $? "a load that fails is said"
run compare --service "$service $port" --ready tcp:127.0.0.1:$port -r 1 -- /nonexistent/load
[ "$status" -eq 127 ] && nothing_left
check $? "and so is one that is not there"

# Ctrl-C, which a terminal sends to the whole group, and an end without a warning.
for end in '-INT -' '-KILL '; do
    # A shell's background programs ignore Ctrl-C.
    setsid env --default-signal=INT "$tagpool" compare --service "$service $port family" \
        --ready tcp:127.0.0.1:$port -r 9 --patience 5 --no-headroom \
        -- "$load" $port 200000 >"$work/out" 2>"$work/err" &
    measuring=$!
    await answers
    # shellcheck disable=SC2086 # an option and the beginning of a number
    kill $end$measuring
    wait $measuring 2>/dev/null
    await nothing_left
    check $? "after kill $end... nothing is left"
done

# ---- run and doctor ----

run run --stats --service "$service $port" --ready tcp:127.0.0.1:$port -- "$load" $port 20
[ "$status" -eq 0 ] && nothing_left && [ "$(cat "$work/out")" = "answered: 20" ] &&
    grep -Eq '^service \(process [0-9]+\): [0-9]+ calls, [0-9.]+ % served by' "$work/err"
check $? "run --stats tells what the pools served in the service"
run run --service "$service $port die" --ready tcp:127.0.0.1:$port -- "$load" $port 20
[ "$status" -eq 3 ] && nothing_left && [ "$(cat "$work/err")" = "tagpool run: '$service $port \
die' ended with exit status 7 before it was ready (\"no configuration\")" ]
check $? "and says why there was nothing to load"
run run --service "$service $port" --ready tcp:127.0.0.1:$port -- "$load" 1 1
[ "$status" -eq 9 ] && nothing_left
check $? "the exit status is that of the load"
run doctor --service "$service $port" --ready tcp:127.0.0.1:$port -- "$load" $port 20
[ "$status" -eq 0 ] && nothing_left && grep -q '^ok    the shim saw [0-9]* calls' "$work/out" &&
    grep -q "^ok    $service can be given another allocator" "$work/out"
check $? "doctor looks at the service"
run doctor --service "$service $port die" --ready tcp:127.0.0.1:$port -- "$load" $port 20
[ "$status" -eq 1 ] && nothing_left && grep -q "^fail  '$service $port die' ended with exit" \
    "$work/out"
check $? "and says what is wrong with it"

# ---- command lines ----

usage="(see 'tagpool help compare')"
refused 2 "tagpool compare: --service needs --ready: tcp:PORT, http://HOST:PORT/PATH or a \
command $usage" "a service without a test" compare --service true -- true
refused 2 "tagpool compare: --ready, --settle and --patience are for a --service $usage" \
    "a test without a service" compare --ready tcp:1 -- true
refused 2 "tagpool compare: --ready: 'tcp:x' is neither tcp:PORT, tcp:HOST:PORT nor \
http://HOST:PORT/PATH $usage" "a port that is none" compare --service true --ready tcp:x -- true
refused 2 "tagpool compare: --ready: https is not spoken here; give a command, such as 'curl \
-fsk URL' $usage" "a test by https" compare --service true --ready https://localhost/ -- true
refused 2 "tagpool compare: --service 'a | b': '|' means something to a shell unless it is \
quoted; it is run without a shell, but may be sh -c '...' $usage" "a pipe" \
    compare --service 'a | b' --ready tcp:1 -- true
refused 2 "tagpool compare: --service 'a \"b': a quote is not closed; it is run without a shell, \
but may be sh -c '...' $usage" "an open quote" compare --service 'a "b' --ready tcp:1 -- true

finish
