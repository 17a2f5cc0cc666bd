/* If this failed, a report's page could be broken by the name of a command, or its axes would show
 * numbers that nobody reads. */
#include "tap.h"

#include "base/html.h"

#include <math.h>

static const char *escaped(const char *text) {
    static char room[256];
    FILE *out = fmemopen(room, sizeof room, "w");
    html_text(out, text);
    fclose(out);
    return room;
}

static void text_cannot_become_markup(void) {
    CHECK(strcmp(escaped("<script>\"a\" & 'b'</script>"),
                 "&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;&lt;/script&gt;") == 0);
}

static void what_is_no_utf8_is_replaced(void) {
    CHECK(strcmp(escaped("\xc3\xbc\xff z\xe2\x82"),
                 "\xc3\xbc\xef\xbf\xbd z\xef\xbf\xbd\xef\xbf\xbd") == 0);
    CHECK(strcmp(escaped("a\001b\033c"), "a\xef\xbf\xbd"
                                         "b\xef\xbf\xbd"
                                         "c") == 0);
}

static void ticks_are_few_round_and_within_the_scale(void) {
    static const double scales[][2] = {{-1.5, 1.5}, {-49, 2}, {0, 0.013}, {-3, 900}, {5, 5.02}};
    for (size_t i = 0; i < sizeof scales / sizeof scales[0]; i++) {
        double ticks[HTML_TICKS_MAX];
        double low = scales[i][0], high = scales[i][1];
        unsigned count = html_ticks(low, high, 5, ticks);
        CHECK_SAY(count >= 2 && count <= 6, "%u ticks within [%g ... %g]", count, low, high);
        for (unsigned j = 0; j < count; j++) {
            CHECK(ticks[j] >= low - 1e-9 && ticks[j] <= high + 1e-9);
            CHECK(j == 0 || ticks[j] > ticks[j - 1]);
        }
    }
}

static void a_scale_leads_from_its_start_to_its_stop(void) {
    const struct html_scale scale = {.low = -10, .high = 30, .start = 150, .stop = 0};
    CHECK(html_place(&scale, -10) == 150 && html_place(&scale, 30) == 0);
    CHECK(fabs(html_place(&scale, 0) - 112.5) < 1e-9);
}

static void bytes_have_short_names(void) {
    static const struct {
        double bytes;
        const char *text;
    } cases[] = {{0, "0"}, {48, "48"}, {1024, "1K"}, {1536, "1.5K"}, {1 << 25, "32M"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[32];
        html_format_bytes(cases[i].bytes, text, sizeof text);
        CHECK_SAY(strcmp(text, cases[i].text) == 0, "%g bytes are called %s", cases[i].bytes, text);
    }
}

int main(void) {
    TAP_RUN(text_cannot_become_markup);
    TAP_RUN(what_is_no_utf8_is_replaced);
    TAP_RUN(ticks_are_few_round_and_within_the_scale);
    TAP_RUN(a_scale_leads_from_its_start_to_its_stop);
    TAP_RUN(bytes_have_short_names);
    return tap_done();
}
