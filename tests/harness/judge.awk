# Reads what one test program printed (TAP version 12) and prints the report of it; writes `PASSED
# FAILED SKIPPED` to the file COUNTS. STATUS is its exit status, or 128 + signal; 124 and 137 come
# from timeout(1). START and END are seconds of the clock, BEFORE and AFTER of processor time.

function fail(reason) {
    failures = failures "  not ok: " title ": " reason "\n"
    failed++
}

function result(is_ok, line,    name, reason) {
    count++
    name = line
    sub(/^(not )?ok *[0-9]* *(- *)?/, "", name)
    in_failure = 0
    if (is_ok && match(toupper(name), /# *SKIP/)) {
        reason = substr(name, RSTART + RLENGTH)
        name = substr(name, 1, RSTART - 1)
        sub(/^[a-z:]* */, "", reason)
        sub(/ *$/, "", name)
        if (reason == "")
            reason = "no reason given"
        skips = skips "  skipped: " title ": " name ": " reason "\n"
        skipped++
    } else if (is_ok) {
        passed++
    } else {
        fail(name)
        failures = failures diagnostics
        in_failure = (diagnostics == "")
    }
    diagnostics = ""
}

function ending() {
    if (status == 124 || (status == 137 && end - start >= seconds))
        return "took longer than " seconds " s"
    if (status > 128 && status <= 192)
        return "killed by signal " (status - 128)
    if (status == 126 || status == 127)
        return "could not be started (status " status ")"
    if (status != 0 && failed == 0)
        return "ended with status " status " though no test failed"
    if (status == 0 && failed > 0)
        return "ended with status 0 though a test failed"
    return ""
}

{
    tail[NR % 10] = $0
}

/^ok( |$)/ { result(1, $0); next }
/^not ok( |$)/ { result(0, $0); next }

/^1\.\.[0-9]+/ {
    plans++
    planned = substr($1, 4) + 0
    if (planned == 0 && match(toupper($0), /# *SKIP/)) {
        whole_skip = substr($0, RSTART + RLENGTH)
        sub(/^ */, "", whole_skip)
    }
    next
}

# Diagnostics come before the failed result in C (tap.h), after it in scripts.
/^#/ {
    if (in_failure)
        failures = failures "    " $0 "\n"
    else
        diagnostics = diagnostics "    " $0 "\n"
}

END {
    wrong = ending()
    if (wrong == "" && plans == 0)
        wrong = "printed no plan (1..N): it ended early"
    else if (wrong == "" && plans > 1)
        wrong = "printed more than one plan"
    else if (wrong == "" && planned != count)
        wrong = "planned " planned " tests but ran " count + 0
    else if (wrong == "" && count == 0 && whole_skip == "")
        wrong = "ran no test"
    if (wrong != "") {
        fail(wrong)
        for (line = NR < 10 ? 1 : NR - 9; line <= NR; line++)
            failures = failures "    | " tail[line % 10] "\n"
    } else if (whole_skip != "") {
        skips = skips "  skipped: " title ": " whole_skip "\n"
        skipped++
    }
    printf "%-6s %-44s %4d passed", failed ? "FAILED" : "ok", title, passed
    if (failed)
        printf ", %d failed", failed
    if (skipped)
        printf ", %d skipped", skipped
    printf "  (%.1f s, %.1f s CPU)\n%s%s", end - start, after - before, failures, skips
    print passed + 0, failed + 0, skipped + 0 >counts
}
