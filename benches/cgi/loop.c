/* What the machine can do: posix_spawn, read to the end, wait, in so many processes for so many
 * seconds. Prints runs, and the CPU seconds that they and the programs took. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static double seconds(int who) {
    struct rusage usage;
    getrusage(who, &usage);
    return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec +
           (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static int run(const char *program) {
    char *argv[] = {(char *)program, NULL}, text[4096];
    char *environ[31];
    for (int at = 0; at < 30; at++) environ[at] = "HTTP_X_FIELD=some value of a field";
    environ[30] = NULL;
    int ends[2], status;
    if (pipe2(ends, O_CLOEXEC)) return 0;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    pid_t pid;
    int failed = posix_spawn(&pid, program, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    while (!failed && read(ends[0], text, sizeof text) > 0) {}
    close(ends[0]);
    return !failed && waitpid(pid, &status, 0) == pid && status == 0;
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    int processes = atoi(argv[2]), ends[2];
    double end = now() + atof(argv[3]);
    if (pipe(ends)) return 1;
    for (int at = 0; at < processes; at++) {
        if (fork() == 0) {
            long runs = 0;
            while (now() < end) {
                if (!run(argv[1])) _exit(1);
                runs++;
            }
            _exit(write(ends[1], &runs, sizeof runs) != sizeof runs);
        }
    }
    long all = 0, runs;
    for (int at = 0; at < processes; at++) {
        int status;
        if (wait(&status) < 0 || status != 0) return 1;
        if (read(ends[0], &runs, sizeof runs) == sizeof runs) all += runs;
    }
    printf("%ld %f\n", all, seconds(RUSAGE_CHILDREN));
    return 0;
}
