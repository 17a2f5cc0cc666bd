// A server of cpp-httplib that keeps a store of small strings, as an index or a cache does.
#include <cstdlib>
#include <httplib.h>
#include <map>
#include <string>

int main(int, char **argv) {
    httplib::Server server;
    server.Get("/", [](const httplib::Request &, httplib::Response &response) {
        std::map<std::string, std::string> store;
        for (int i = 0; i < 2000; i++)
            store["key number " + std::to_string(i * 7919 % 2000)] = std::string(i % 60, 'x');
        size_t bytes = 0;
        for (const auto &item : store)
            bytes += item.first.size() + item.second.size();
        response.set_content(std::to_string(bytes) + "\n", "text/plain");
    });
    return server.listen("127.0.0.1", std::atoi(argv[1])) ? EXIT_SUCCESS : EXIT_FAILURE;
}
