/* The smallest CGI program that answers: what is left is the cost of starting it. */
#include <unistd.h>

int main(void) {
    static const char reply[] =
        "Content-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, world!";
    return write(1, reply, sizeof reply - 1) == sizeof reply - 1 ? 0 : 1;
}
