# Adds up, in a file of callgrind, the instructions that ran in libtagpool.so itself. Prints the
# sum. What a function called is on the line behind "calls=" and belongs to the callee.

function object(text,    id) {
    id = text
    sub(/ .*/, "", id)
    if (text ~ / /)
        names[id] = substr(text, length(id) + 2)
    return names[id]
}

/^ob=/ { is_ours = object(substr($0, 4)) ~ /\/libtagpool\.so$/; next }
/^cob=/ { object(substr($0, 5)); next }
/^calls=/ { in_call = 1; next }
/^[-+*0-9]/ {
    if (!in_call && is_ours)
        sum += $2
    in_call = 0
}
END { print sum + 0 }
