#!/bin/sh
# If this failed, a service that people use could not be measured: nginx with its workers, PHP's
# server, a WSGI application with lxml, a server in C++ with threads.
# shellcheck source=tests/cli/lib.sh
. tests/cli/lib.sh

has_loopback || skip_all "the loopback network is down"
for name in nginx php python cpp-http; do
    BUILD=$build tests/world/services/run --quick "$name" >"$work/out" 2>"$work/err"
    status=$?
    reason=$(sed -n 's/^[a-z-]* *skipped: //p' "$work/out")
    if [ -n "$reason" ]; then
        skip "$name is loaded under the library" "$reason"
    else
        [ "$status" -eq 0 ] && grep -Eq "^$name +ok: the shim saw [0-9]+ calls" "$work/out"
        check $? "$name is loaded under the library"
    fi
done

finish
