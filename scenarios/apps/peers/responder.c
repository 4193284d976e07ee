/*
 * The limit: answers every request with the same bytes, and does nothing else.
 *
 *     cc -O2 -o gatebench-responder responder.c
 *     ./gatebench-responder SOCKET PROCESSES fastcgi|uwsgi
 *
 * Each process has one epoll loop over a shared listening socket. It looks at a request only as far
 * as it must to find its end. A server cannot be faster than this behind the same gateway; it is no
 * server, and no yardstick for anything but the gateway, the kernel and the protocol.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROOM 131072
#define CONNECTIONS 65536

enum protocol { FASTCGI, UWSGI };

struct connection {
    size_t len;
    unsigned char at[ROOM];
};

static struct connection *connections[CONNECTIONS];
static enum protocol protocol;

#define HEAD "Content-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, world!"
static const char UWSGI_REPLY[] = "HTTP/1.1 200 OK\r\n" HEAD;
static const char FASTCGI_REPLY[] = "Status: 200 OK\r\n" HEAD;

/* STDOUT, its end, END_REQUEST: FastCGI 1.0 sections 3.3 and 5.5. */
static size_t frame(unsigned char *out, const unsigned char *id) {
    size_t len = sizeof FASTCGI_REPLY - 1, padding = (8 - len % 8) % 8;
    unsigned char *at = out;
    memcpy(at, (unsigned char[]){1, 6, id[0], id[1], len >> 8, len & 255, padding, 0}, 8);
    memcpy(at + 8, FASTCGI_REPLY, len);
    memset(at + 8 + len, 0, padding);
    at += 8 + len + padding;
    memcpy(at, (unsigned char[]){1, 6, id[0], id[1], 0, 0, 0, 0}, 8);
    memcpy(at + 8, (unsigned char[]){1, 3, id[0], id[1], 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 16);
    return at + 24 - out;
}

static void leave(int fd) {
    close(fd);
    free(connections[fd]);
    connections[fd] = NULL;
}

/* Whether the request is whole; then it is answered. `keep` is the gateway's wish. */
static bool answered(int fd, struct connection *connection, bool *keep) {
    unsigned char *at = connection->at, reply[512];
    if (protocol == UWSGI) {
        if (connection->len < 4 || connection->len < 4u + at[1] + 256u * at[2])
            return false;
        *keep = false;
        return write(fd, UWSGI_REPLY, sizeof UWSGI_REPLY - 1) > 0;
    }
    size_t from = 0;
    while (connection->len - from >= 8) {
        unsigned char *record = at + from;
        size_t content = 256u * record[4] + record[5], whole = 8 + content + record[6];
        if (connection->len - from < whole)
            break;
        from += whole;
        if (record[1] == 1)
            *keep = record[10] & 1;
        if (record[1] == 5 && content == 0) {
            size_t len = frame(reply, record + 2);
            memmove(at, at + from, connection->len - from);
            connection->len -= from;
            return write(fd, reply, len) == (ssize_t)len;
        }
    }
    return false;
}

static void serve(int fd) {
    struct connection *connection = connections[fd];
    ssize_t got = read(fd, connection->at + connection->len, ROOM - connection->len);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        leave(fd);
        return;
    }
    connection->len += got;
    bool keep = true;
    if (answered(fd, connection, &keep) && !keep)
        leave(fd);
    else if (connection->len == ROOM)
        leave(fd);
}

static void loop(int listener) {
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.fd = listener}, events[64];
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int ready = epoll_wait(epoll, events, 64, -1);
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            if (fd != listener) {
                serve(fd);
                continue;
            }
            fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (fd < 0)
                continue;
            if (fd >= CONNECTIONS || !(connections[fd] = malloc(sizeof **connections))) {
                close(fd);
                continue;
            }
            connections[fd]->len = 0;
            event = (struct epoll_event){.events = EPOLLIN, .data.fd = fd};
            epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
            /* The request is mostly there already. */
            serve(fd);
        }
    }
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        puts("gatebench-responder 1");
        return 0;
    }
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    if (argc != 4 || strlen(argv[1]) >= sizeof name.sun_path) {
        fprintf(stderr, "usage: %s SOCKET PROCESSES fastcgi|uwsgi\n", argv[0]);
        return 2;
    }
    protocol = strcmp(argv[3], "uwsgi") == 0 ? UWSGI : FASTCGI;
    strcpy(name.sun_path, argv[1]);
    signal(SIGPIPE, SIG_IGN);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    unlink(name.sun_path);
    if (bind(listener, (struct sockaddr *)&name, sizeof name) < 0 || listen(listener, 1024) < 0) {
        perror(argv[1]);
        return 1;
    }
    chmod(argv[1], 0666);
    for (int i = atoi(argv[2]); i > 0; i--) {
        pid_t pid = fork();
        if (pid == 0) {
            prctl(PR_SET_PDEATHSIG, SIGTERM);
            loop(listener);
        }
        if (pid < 0)
            return 1;
    }
    while (wait(NULL) > 0 || errno == EINTR)
        ;
    return 0;
}
