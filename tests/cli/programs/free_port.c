/* Prints a TCP port of loopback that nobody has: the kernel chooses it, from those that it does not
 * give to who connects.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>

int main(void) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t bytes = sizeof address;
    int door = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(door, (void *)&address, sizeof address) != 0 ||
        getsockname(door, (void *)&address, &bytes) != 0) {
        perror("free_port");
        return 1;
    }
    printf("%d\n", ntohs(address.sin_port));
    return 0;
}
