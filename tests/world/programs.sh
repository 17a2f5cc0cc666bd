# The programs of tests/world/run: for each its name, the Debian packages it needs, the commands that
# must be there, and a script, run by sh in a folder of its own, with $inputs (document.json,
# document.xml, the sources of this project in src/) and a copy of the library in $LIBRARY.
#
# What a script prints, and its exit status, must be the same in every run: no times, no addresses.
#
# shellcheck shell=bash disable=SC2016 # the scripts are expanded later

program jq "jq" "jq" '
    jq -S . "$inputs/document.json" | sha1sum
    jq -c "[.. | strings] | length, (map(length) | add)" "$inputs/document.json"
    jq -n "[range(20000)] | map({key: tostring, value: .}) | from_entries | length"'
program xmllint "libxml2-utils" "xmllint" '
    xmllint --format "$inputs/document.xml" | sha1sum
    xmllint --noout --stream "$inputs/document.xml"
    xmllint --xpath "count(//*)" "$inputs/document.xml"
    echo "<a><b></a>" | xmllint - 2>&1'
program xsltproc "xsltproc" "xsltproc" '
    cat >copy.xsl <<"X"
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
<xsl:template match="@*|node()"><xsl:copy><xsl:apply-templates select="@*|node()"/></xsl:copy></xsl:template>
</xsl:stylesheet>
X
    xsltproc copy.xsl "$inputs/document.xml" | sha1sum'
program python3-tests "python3 libpython3.11-testsuite" "python3" '
    python3 -c "import test.test_json" || exit 77
    PYTHONMALLOC=malloc python3 -m test test_json test_xml_etree test_dict test_list test_set \
        test_unicode test_re >log 2>&1
    echo "status $?"
    grep -E "^(Result|All [0-9]+ tests)" log'
program python3-json "python3" "python3" '
    PYTHONMALLOC=malloc python3 -c "
import json, sys, hashlib
document = json.load(open(sys.argv[1]))
print(hashlib.sha1(json.dumps(document, sort_keys=True).encode()).hexdigest())
" "$inputs/document.json"'
program perl "perl" "perl" '
    perl -e "my %h; for my \$i (1..60000) { \$h{\$i % 977} .= chr(65 + \$i % 26) }
        print join(\",\", map { length(\$h{\$_}) } sort { \$a <=> \$b } keys %h), \"\n\";
        my \$t = \"abc\" x 5000; my \$n = () = \$t =~ /b(?=c)/g; print \"\$n\n\""'
program ruby "ruby" "ruby" '
    ruby -rjson -e "d = JSON.parse(File.read(ARGV[0])); puts JSON.generate(d).sum(24)
        a = (1..50000).map { |i| i.to_s * 3 }; puts a.sort.first(3).inspect; GC.start
        puts (1..4).map { |i| Thread.new { (1..5000).map(&:to_s).join.size } }.map(&:value).inspect" \
        "$inputs/document.json"'
program php "php-cli" "php" '
    php -r "\$d = json_decode(file_get_contents(\$argv[1]), true); echo crc32(serialize(\$d)), PHP_EOL;
        USE_ZEND: \$a = []; for (\$i = 0; \$i < 50000; \$i++) \$a[\"k\$i\"] = str_repeat(\"x\", \$i % 90);
        echo count(\$a), PHP_EOL;" "$inputs/document.json"'
program php-malloc "php-cli" "php" '
    USE_ZEND_ALLOC=0 php -r "\$d = json_decode(file_get_contents(\$argv[1]), true);
        echo crc32(serialize(\$d)), PHP_EOL;" "$inputs/document.json"'
program lua "lua5.4" "lua5.4" '
    lua5.4 -e "local t = {} for i = 1, 80000 do t[i] = tostring(i) .. \"x\" end table.sort(t)
        print(t[1], t[#t], collectgarbage(\"count\") > 0)"'
program sqlite3 "sqlite3" "sqlite3" '
    sqlite3 world.db "create table t(a integer primary key, b text); with recursive n(i) as (select 1 union all
        select i + 1 from n where i < 30000) insert into t select i, hex(i * 7919) from n; create index b on t(b);
        delete from t where a % 3 = 0; vacuum; pragma integrity_check; select count(*), sum(length(b)) from t;
        select group_concat(a) from (select a from t order by b limit 20);"'
program node "nodejs" "node" '
    node -e "const d = JSON.parse(require(\"fs\").readFileSync(process.argv[1]));
        console.log(require(\"crypto\").createHash(\"sha1\").update(JSON.stringify(d)).digest(\"hex\"));
        const z = require(\"zlib\"); console.log(z.gunzipSync(z.gzipSync(JSON.stringify(d))).length)" \
        "$inputs/document.json"'
program git "git" "git" '
    export GIT_AUTHOR_DATE="2020-01-01T00:00:00Z" GIT_COMMITTER_DATE="2020-01-01T00:00:00Z" HOME=$PWD
    git config --global user.name w; git config --global user.email w@example.org
    git config --global gc.auto 0; git config --global init.defaultBranch main
    git init -q a && cp -r "$inputs/src" a/ && cd a && git add . && git commit -qm one
    for i in 1 2 3 4 5; do echo $i >>src/base.h; git commit -qam "$i"; done
    git repack -adfq && git gc -q && git fsck --full 2>/dev/null; git log --stat | sha1sum
    cd .. && git clone -q a b && git -C b rev-parse HEAD && git -C b diff HEAD~3 | sha1sum
    git -C b blame src/base.h | sha1sum'
program gcc "gcc" "gcc" '
    for f in "$inputs"/src/*.c; do
        gcc -std=gnu17 -O2 -I"$inputs/include" -I"$inputs/src" -D_GNU_SOURCE -fPIC -c "$f" -o out.o || exit 1
        sha1sum <out.o
    done'
program g++ "g++" "g++" '
    printf "#include <iostream>\n#include <map>\n#include <regex>\nint main() { std::map<int, std::string> m{{1, \"a\"}};
        std::cout << std::regex_replace(m[1], std::regex(\"a\"), \"b\") << std::endl; }" >a.cpp
    g++ -O1 -c a.cpp -o a.o && sha1sum <a.o && g++ a.o -o a && ./a'
program clang "clang" "clang" '
    for f in "$inputs"/src/*.c; do
        clang -std=gnu17 -O2 -I"$inputs/include" -I"$inputs/src" -D_GNU_SOURCE -fPIC -c "$f" -o out.o || exit 1
        sha1sum <out.o
    done'
program cmake "cmake" "cmake" '
    printf "cmake_minimum_required(VERSION 3.10)\nproject(w C)\nadd_executable(w w.c)\n" >CMakeLists.txt
    echo "int main(void) { return 0; }" >w.c
    cmake -S . -B out >/dev/null && cmake --build out -j2 >/dev/null && out/w && echo built'
program make "make" "make" '
    { echo "all:"; for i in $(seq 300); do echo "all: f$i"; printf "f%s:\n\t@echo %s\n" "$i" "$i"; done; } >Makefile
    make -j4 | sort | sha1sum'
program gdb "gdb" "gdb" '
    echo "struct s { int a; double b; } v; int main(void) { v.a = 3; return v.a; }" >g.c && gcc -g g.c -o g
    gdb -batch -nx -iex "set debuginfod enabled off" -ex "ptype v" -ex "break main" -ex "info functions main" g 2>&1 |
        grep -v 0x'
program redis "redis-server redis-tools" "redis-server redis-cli redis-benchmark" '
    redis-server --port 0 --unixsocket "$PWD/s" --save "" --daemonize no --io-threads 2 >log 2>&1 &
    for i in $(seq 100); do redis-cli -s s ping 2>/dev/null | grep -q PONG && break; sleep 0.1; done
    redis-benchmark -s s -q -n 3000 -c 8 -t set,get,lpush,lrange_100,hset,zadd >/dev/null && echo benchmarked
    redis-cli -s s eval "for i = 1, 5000 do redis.call(\"set\", \"k\" .. i, string.rep(\"x\", i % 700)) end
        return redis.call(\"strlen\", \"k650\")" 0
    redis-cli -s s dbsize | grep -c "[0-9]"
    redis-cli -s s shutdown nosave; wait; echo "ended $?"'
program nginx "nginx-light apache2-utils curl" "nginx ab curl" '
    port=$((20000 + $$ % 20000)); mkdir html; cp "$inputs/document.json" html/; chmod -R a+rX .
    printf "daemon off; worker_processes 2; error_log %s/e; pid %s/p; events {} http { access_log off; gzip on;
        gzip_types application/json; client_body_temp_path %s/b; proxy_temp_path %s/x; fastcgi_temp_path %s/f;
        uwsgi_temp_path %s/u; scgi_temp_path %s/g; types { application/json json; }
        server { listen 127.0.0.1:%s; root %s/html; } }" "$PWD" "$PWD" "$PWD" "$PWD" "$PWD" "$PWD" "$PWD" $port "$PWD" >n
    nginx -c "$PWD/n" 2>/dev/null & 
    for i in $(seq 100); do curl -s -o /dev/null http://127.0.0.1:$port/document.json && break; sleep 0.1; done
    ab -q -n 400 -c 8 -H "Accept-Encoding: gzip" http://127.0.0.1:$port/document.json | grep -E "^(Complete|Failed)"
    curl -s --compressed http://127.0.0.1:$port/document.json | sha1sum
    kill -QUIT $!; wait; echo "ended $?"'
program postgres "postgresql" "setpriv" '
    bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1); [ -n "$bin" ] || exit 77
    run=; if [ "$(id -u)" = 0 ]; then chown postgres .; run="setpriv --reuid=postgres --regid=postgres --clear-groups"; fi
    $run "$bin/initdb" -D data -A trust -U postgres --no-sync >log 2>&1 || { tail -n 3 log; exit 1; }
    $run "$bin/pg_ctl" -D data -w -l server.log -o "-k $PWD -c listen_addresses= -c fsync=off" start >/dev/null || exit 1
    $run "$bin/pgbench" -h "$PWD" -U postgres -i -q postgres >/dev/null 2>&1 && echo filled
    $run "$bin/pgbench" -h "$PWD" -U postgres -c 4 -j 2 -t 100 postgres 2>/dev/null | grep "actually processed"
    $run "$bin/psql" -h "$PWD" -U postgres -Atc "select count(*), sum(abalance) is not null from pgbench_accounts;
        select md5(string_agg(i::text, $$,$$)) from generate_series(1, 50000) i" postgres
    $run "$bin/pg_ctl" -D data -w -m fast stop >/dev/null; echo "ended $?"'
program imagemagick "imagemagick" "convert" '
    convert -size 300x200 plasma:fractal -seed 1 x.ppm 2>/dev/null; convert -size 300x200 gradient:red-blue \
        -swirl 90 -resize 150% -blur 2x2 -depth 8 y.ppm && sha1sum <y.ppm
    convert y.ppm z.png && convert z.png -rotate 33 -depth 8 w.ppm && sha1sum <w.ppm'
program ghostscript "ghostscript" "gs" '
    printf "%%!PS\n/Helvetica findfont 40 scalefont setfont 1 1 30 { dup 20 mul dup moveto (world) show } for showpage" >a.ps
    gs -q -dBATCH -dNOPAUSE -sDEVICE=ppmraw -r72 -o a.ppm a.ps && sha1sum <a.ppm'
program tar-and-compressors "xz-utils zstd bzip2 lz4" "xz zstd bzip2 lz4" '
    tar --sort=name --mtime=@0 --owner=0 --group=0 -C "$inputs" -cf a.tar src document.json && sha1sum <a.tar
    for c in gzip\ -n xz\ -T2 zstd\ -q\ -T2 bzip2 lz4\ -q; do
        $c -c a.tar >a.packed && $c -dc <a.packed | cmp - a.tar && wc -c <a.packed
    done'
program zip "zip unzip" "zip unzip" '
    cp -r "$inputs/src" . && zip -qrX a.zip src && unzip -qt a.zip && unzip -p a.zip src/heap.c | sha1sum'
program bash "bash" "bash" '
    bash -c "declare -A a; for i in {1..2000}; do a[k\$i]=\$(echo \$((i * i))); done; s=0
        for k in \"\${!a[@]}\"; do s=\$((s + \${a[\$k]})); done; echo \$s \${#a[@]}
        for i in {1..300}; do (exit \$((i % 200))) | cat; done; echo \${PIPESTATUS[0]}"'
program dash "dash" "dash" '
    dash -c "i=0; while [ \$i -lt 2000 ]; do x=\$(echo \$i); i=\$((i + 1)); done; echo \$x"'
program apt-cache "apt" "apt-cache" 'apt-cache show bash libc6 | sha1sum; apt-cache depends gcc | sha1sum; apt-cache stats | head -n 3'
program dpkg "dpkg" "dpkg-query" 'dpkg-query -W | sha1sum; dpkg --compare-versions 1.2 lt 1.10 && echo less'
program gawk "gawk" "gawk" '
    gawk "BEGIN { for (i = 0; i < 100000; i++) a[i % 5000] = a[i % 5000] i; for (k in a) n += length(a[k]); print n
        print asort(a), length(a[1]) }"; gawk -F"\"" "{ s += NF } END { print s }" "$inputs/document.json"'
program mawk "mawk" "mawk" 'mawk "BEGIN { for (i = 0; i < 100000; i++) a[i % 5000] = a[i % 5000] i; for (k in a) n += length(a[k]); print n }"'
program sed "sed" "sed" 'sed -E "s/(\"[a-z_]+\"):/<\1>/g; s/[0-9]+/#/g" "$inputs/document.json" | sha1sum'
program grep "grep" "grep" 'grep -oE "[a-z]+ed\b" "$inputs/document.json" | sort | uniq -c | sort -rn | head -n 5; grep -c . "$inputs/document.xml"'
program sort "coreutils" "sort" 'seq 200000 | sort -S 2M --parallel=4 -R --random-source=/dev/zero | sha1sum; seq 100000 | sort -rn | head -n 2'
program diff "diffutils" "diff" 'seq 20000 >a; seq 1 3 20000 >b; diff a b | sha1sum; diff -u "$inputs/src/heap.c" "$inputs/src/slab.c" | tail -n +3 | sha1sum'
program find "findutils" "find" 'find "$inputs/src" -name "*.c" -printf "%f\n" | sort | xargs -n 2 echo | sha1sum'
program curl "curl" "curl" 'curl --version | head -n 1; curl -s "file://$inputs/document.json" | sha1sum'
program openssl "openssl" "openssl" '
    openssl dgst -sha256 <"$inputs/document.json"; openssl enc -aes-256-cbc -pbkdf2 -nosalt -k w -in "$inputs/document.xml" | sha1sum
    openssl genrsa -out k 1024 2>/dev/null; openssl req -x509 -new -key k -subj /CN=w -days 9 -out c 2>/dev/null
    openssl verify -CAfile c c; openssl x509 -in c -noout -subject'
program vim "vim" "vim" '
    cp "$inputs/document.json" d; vim -u NONE -N -es -c "%s/e/E/g" -c "g/^/m0" -c "w" -c "q" d </dev/null; sha1sum <d'
program ed "ed" "ed" 'printf "g/[0-9]/s//N/g\nw out\nq\n" | ed -s "$inputs/document.xml"; sha1sum <out'
program groff "groff" "groff" 'printf ".TH W 1\n.SH NAME\nw \\- world\n.PP\ntext text\n" >w.1; groff -man -Tascii w.1 | sha1sum; groff -man -Tps w.1 | grep -vc Date'
program man "man-db" "man" 'printf ".TH W 1\n.SH NAME\nw \\- world\n" >w.1; MANPAGER=cat man -P cat -l ./w.1 2>&1 | sha1sum'
program tcl "tcl" "tclsh" 'echo "for {set i 0} {\$i < 50000} {incr i} { lappend l [string repeat x [expr {\$i % 50}]]; dict set d \$i \$i }
    puts [llength [lsort \$l]]; puts [dict size \$d]" >t.tcl; tclsh t.tcl'
program ocaml "ocaml-nox" "ocaml" 'echo "let h = Hashtbl.create 9;; for i = 1 to 50000 do Hashtbl.replace h (string_of_int (i mod 999)) i done;; print_int (Hashtbl.length h)" >o.ml; ocaml o.ml'
program guile "guile-3.0" "guile" 'guile --no-auto-compile -c "(display (length (let loop ((i 0) (l (quote ()))) (if (= i 90000) l (loop (+ i 1) (cons (number->string i) l))))))"'
program bc "bc" "bc dc" 'echo "scale=300; 4*a(1)" | bc -l | sha1sum; echo "2 2000 ^ p" | dc | sha1sum'
program m4 "m4" "m4" 'echo "define(f, \`ifelse(\$1, 0, 0, \`eval(\$1 + f(decr(\$1)))'"'"')'"'"')f(300)" | m4 2>&1 | tail -n 1'
program bison-and-flex "bison flex" "bison flex" '
    printf "%%%%token N\n%%%%%%%%\ns: N | s N;\n%%%%%%%%\n" >g.y; bison -o g.c g.y && sha1sum <g.c
    printf "%%%%option noyywrap\n%%%%%%%%\n[0-9]+ return 1;\n%%%%%%%%\n" >l.l; flex -o l.c l.l && sha1sum <l.c'
program graphviz "graphviz" "dot" '{ echo "digraph g {"; for i in $(seq 80); do echo "n$i -> n$((i * 7 % 80));"; done; echo "}"; } | dot -Tplain | sha1sum'
program rsync "rsync" "rsync" 'rsync -a "$inputs/src/" copy/ && diff -r "$inputs/src" copy && echo same; rsync -ac --stats "$inputs/src/" copy/ | grep "transferred:"'
program busybox "busybox" "busybox" 'busybox tar -cf - -C "$inputs" src | busybox tar -tf - | busybox sort | busybox sha1sum; busybox awk "BEGIN { print 2 * 10 }"'
program swipl "swi-prolog-nox" "swipl" 'swipl -g "numlist(1, 20000, L), maplist([X, Y]>>atom_number(Y, X), L, M), length(M, N), sum_list(L, S), print(N-S), nl" -t halt </dev/null'
program sbcl "sbcl" "sbcl" 'sbcl --noinform --non-interactive --eval "(print (length (loop for i below 90000 collect (format nil \"~a\" i))))"'
program erlang "erlang-base" "erl" 'erl -noshell -eval "Ps = [spawn(fun() -> receive {P, N} -> P ! N * 2 end end) || _ <- lists:seq(1, 3000)], [P ! {self(), 1} || P <- Ps], io:format(\"~p~n\", [lists:sum([receive N -> N end || _ <- Ps])]), halt()."'
program java "default-jre-headless" "java" 'java -Xshare:auto -XX:TieredStopAtLevel=1 -version 2>&1 | head -n 1; java -Xmx64m -XX:+UseSerialGC -XX:+PrintFlagsFinal -version 2>/dev/null | grep -c .'
program tidy "tidy" "tidy" 'echo "<p>a<b>c<table><tr>x" | tidy -q 2>&1 | sha1sum'
program nasm "nasm" "nasm" '{ echo "bits 64"; for i in $(seq 3000); do echo "l$i: mov rax, l$((i * 7 % 3000 + 1))"; done; } >a.asm; nasm -f elf64 -o a.o a.asm && sha1sum <a.o'
