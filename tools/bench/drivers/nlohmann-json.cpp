// nlohmann-json: a DOM of std::map, std::vector and std::string.
#include <nlohmann/json.hpp>

#include "driver.h"

namespace {

using nlohmann::json;

void add_to_digest(const json &value, digest &sum) {
    sum.count++;
    if (value.is_number())
        digest_real(&sum, value.get<double>());
    else if (value.is_string())
        digest_string(&sum, value.get_ref<const json::string_t &>().c_str());
    else if (value.is_array())
        for (const json &element : value)
            add_to_digest(element, sum);
    else if (value.is_object())
        for (const auto &member : value.items()) {
            digest_string(&sum, member.key().c_str());
            add_to_digest(member.value(), sum);
        }
}

const char *parse(const char *text, size_t length, digest *sum) {
    json root = json::parse(text, text + length, nullptr, false);
    if (root.is_discarded())
        return "it is no JSON";
    if (sum != nullptr)
        add_to_digest(root, *sum);
    return nullptr;
}

} // namespace

int main(int argc, char **argv) {
    return driver_main("nlohmann-json", parse, argc, argv);
}
