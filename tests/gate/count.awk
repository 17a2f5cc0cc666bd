# Adds up, in a file of callgrind, the instructions that ran in libtagpool.so itself, but for those
# that move bytes (src/string.c): how many they are, the size of the block decides. Prints the sum.
# What a function called is on the line behind "calls=" and belongs to the callee.
#
# The first file has the library's functions, one a line: valgrind knows only of what is in .text
# which object it is of, and not all of ours is there (src/layout.ld).

BEGIN { moves["memset"] = moves["memcpy"] = moves["memcmp"] = 1 }

function object(text,    id) {
    id = text
    sub(/ .*/, "", id)
    if (text ~ / /)
        names[id] = substr(text, length(id) + 2)
    return names[id]
}

function function_name(text,    id) {
    id = text
    sub(/ .*/, "", id)
    if (text ~ / /)
        functions[id] = substr(text, length(id) + 2)
    return functions[id]
}

function is_ours() {
    return of ~ /\/libtagpool\.so$/ || (of == "???" && in_function in ours)
}

NR == FNR { ours[$0] = 1; next }
/^ob=/ { of = object(substr($0, 4)); next }
/^fn=/ { in_function = function_name(substr($0, 4)); next }
/^cfn=/ { function_name(substr($0, 5)); next }
/^cob=/ { object(substr($0, 5)); next }
/^calls=/ { in_call = 1; next }
/^[-+*0-9]/ {
    if (!in_call && is_ours() && !(in_function in moves))
        sum += $2
    in_call = 0
}
END { print sum + 0 }
