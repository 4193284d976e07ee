/*
 * The probe: the request says how to reply, the reply says what was seen.
 *
 * A FastCGI responder on libfcgi. Its commands travel in the header X-Probe;
 * gatebench-probe's README lists them. C11 and POSIX:
 *
 *     cc -O2 -o gatebench-libfcgi probe.c -lfcgi
 *     ./gatebench-libfcgi /run/probe.sock 2
 *
 * listens there and serves with two processes, which a third one replaces.
 */

#define _GNU_SOURCE
#include <fcgiapp.h>
#include <ctype.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef LIBFCGI_VERSION
#define LIBFCGI_VERSION "of unknown version"
#endif

#define BLOCK 65536
#define NO_LIMIT UINT64_MAX

/* -- octets that grow ------------------------------------------------------ */

struct text {
    char *at;
    size_t len, room;
};

static void add(struct text *text, const void *octets, size_t len) {
    if (text->len + len + 1 > text->room) {
        text->room = (text->len + len + 1) * 2;
        text->at = realloc(text->at, text->room);
        if (text->at == NULL)
            abort();
    }
    memcpy(text->at + text->len, octets, len);
    text->len += len;
    text->at[text->len] = 0;
}

static void say(struct text *text, const char *format, ...) {
    char line[512];
    va_list values;
    va_start(values, format);
    int len = vsnprintf(line, sizeof line, format, values);
    va_end(values);
    add(text, line, len < (int)sizeof line ? (size_t)len : sizeof line - 1);
}

/* A string of JSON; each byte is one character (ISO-8859-1). */
static void quote(struct text *text, const char *octets) {
    add(text, "\"", 1);
    for (const unsigned char *at = (const unsigned char *)octets; *at; at++) {
        char wide[2] = {(char)(0xc0 | *at >> 6), (char)(0x80 | (*at & 0x3f))};
        if (*at == '"' || *at == '\\')
            say(text, "\\%c", *at);
        else if (*at < 0x20)
            say(text, "\\u%04x", *at);
        else if (*at < 0x80)
            add(text, at, 1);
        else
            add(text, wide, 2);
    }
    add(text, "\"", 1);
}

/* -- SHA-256 (FIPS 180-4) -------------------------------------------------- */

struct sha {
    uint32_t state[8];
    uint64_t size;
    unsigned char block[64];
};

static const uint32_t ROUND[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t turn(uint32_t word, int by) {
    return word >> by | word << (32 - by);
}

static void sha_block(struct sha *sha) {
    uint32_t w[64], s[8];
    for (int i = 0; i < 16; i++) {
        const unsigned char *at = sha->block + 4 * i;
        w[i] = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    }
    for (int i = 16; i < 64; i++) {
        uint32_t a = turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t b = turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + a + w[i - 7] + b;
    }
    memcpy(s, sha->state, sizeof s);
    for (int i = 0; i < 64; i++) {
        uint32_t e = turn(s[4], 6) ^ turn(s[4], 11) ^ turn(s[4], 25);
        uint32_t one = s[7] + e + ((s[4] & s[5]) ^ (~s[4] & s[6])) + ROUND[i] + w[i];
        uint32_t a = turn(s[0], 2) ^ turn(s[0], 13) ^ turn(s[0], 22);
        uint32_t two = a + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
        memmove(s + 1, s, 7 * sizeof *s);
        s[4] += one;
        s[0] = one + two;
    }
    for (int i = 0; i < 8; i++)
        sha->state[i] += s[i];
}

static void sha_add(struct sha *sha, const char *octets, size_t len) {
    for (size_t i = 0; i < len; i++) {
        sha->block[sha->size++ % 64] = (unsigned char)octets[i];
        if (sha->size % 64 == 0)
            sha_block(sha);
    }
}

static void sha_end(struct sha *sha, struct text *hex) {
    uint64_t bits = sha->size * 8;
    sha_add(sha, "\x80", 1);
    while (sha->size % 64 != 56)
        sha_add(sha, "", 1);
    for (int shift = 56; shift >= 0; shift -= 8)
        sha_add(sha, &(char){(char)(bits >> shift)}, 1);
    for (int i = 0; i < 8; i++)
        say(hex, "%08" PRIx32, sha->state[i]);
}

/* -- commands -------------------------------------------------------------- */

enum content { REPORT, ECHO, BODY, SIZE, RAW, LOCATION };

/* What one request asks the probe to do. */
struct plan {
    enum content content;
    struct text value, status, fields, err, problem;
    uint64_t size, read, chunks, stderr_size, length;
    bool has_length, no_length, own_length, has_type, has_own_length, needs_wsgi;
    int64_t delay_ms, pause_ms;
    long exit;
    enum { LIVES, BEFORE_HEAD, AFTER_HEAD } dies;
};

static int hex(char c) {
    return isdigit((unsigned char)c) ? c - '0' : isxdigit((unsigned char)c) ? (c | 32) - 'a' + 10 : -1;
}

static bool decode(const char *from, size_t len, struct text *to) {
    for (size_t i = 0; i < len; i++) {
        char octet = from[i];
        if (octet == '%') {
            if (i + 2 >= len || hex(from[i + 1]) < 0 || hex(from[i + 2]) < 0)
                return false;
            octet = (char)(hex(from[i + 1]) << 4 | hex(from[i + 2]));
            i += 2;
        }
        add(to, &octet, 1);
    }
    add(to, "", 0);
    return true;
}

static bool number(const char *text, size_t len, uint64_t *to) {
    *to = 0;
    for (size_t i = 0; i < len; i++) {
        if (!isdigit((unsigned char)text[i]) || *to > (UINT64_MAX - 9) / 10)
            return false;
        *to = *to * 10 + (uint64_t)(text[i] - '0');
    }
    return len > 0;
}

/* Milliseconds from `300ms` or `2s`. */
static bool duration(const struct text *text, int64_t *to) {
    size_t unit = text->len > 2 && strcmp(text->at + text->len - 2, "ms") == 0 ? 2 : 1;
    uint64_t value;
    if (text->len <= unit || text->at[text->len - 1] != 's' ||
        !number(text->at, text->len - unit, &value) || value > 1000000000)
        return false;
    *to = (int64_t)value * (unit == 2 ? 1 : 1000);
    return true;
}

static bool is_line(const struct text *text) {
    for (size_t i = 0; i < text->len; i++)
        if (strchr("\r\n", text->at[i]) != NULL)
            return false;
    return true;
}

static bool is_status(const struct text *text) {
    const char *at = text->at;
    if (text->len < 3 || *at < '1' || !isdigit((unsigned char)at[1]) || !isdigit((unsigned char)at[2]))
        return false;
    for (size_t i = 3; i < text->len; i++)
        if ((unsigned char)at[i] < 0x20 || at[i] == 0x7f)
            return false;
    return text->len == 3 || at[3] == ' ';
}

static bool field(struct plan *plan, struct text *text) {
    char *colon = memchr(text->at, ':', text->len);
    if (colon == NULL || colon == text->at || !is_line(text))
        return false;
    for (char *at = text->at; at < colon; at++)
        if (!isalnum((unsigned char)*at) && strchr("!#$%&'*+.^_`|~-", *at) == NULL)
            return false;
    char *from = colon + 1, *to = text->at + text->len;
    while (from < to && strchr(" \t\f", *from) != NULL)
        from++;
    while (to > from && strchr(" \t\f", to[-1]) != NULL)
        to--;
    size_t name = (size_t)(colon - text->at);
    plan->has_type |= name == 12 && strncasecmp(text->at, "Content-Type", 12) == 0;
    plan->has_own_length |= name == 14 && strncasecmp(text->at, "Content-Length", 14) == 0;
    add(&plan->fields, text->at, name);
    add(&plan->fields, ": ", 2);
    add(&plan->fields, from, (size_t)(to - from));
    add(&plan->fields, "\r\n", 2);
    return true;
}

static bool length(struct plan *plan, struct text *text) {
    plan->no_length = strcmp(text->at, "no") == 0;
    plan->has_length = strcmp(text->at, "yes") == 0;
    plan->own_length = !plan->no_length && !plan->has_length;
    return !plan->own_length || number(text->at, text->len, &plan->length);
}

static bool limit(struct plan *plan, struct text *text) {
    if (strcmp(text->at, "all") == 0)
        plan->read = NO_LIMIT;
    else if (strcmp(text->at, "none") == 0)
        plan->read = 0;
    else
        return number(text->at, text->len, &plan->read);
    return true;
}

static bool death(struct plan *plan, struct text *text) {
    bool before = strcmp(text->at, "before-head") == 0;
    plan->dies = before ? BEFORE_HEAD : AFTER_HEAD;
    return before || strcmp(text->at, "after-head") == 0;
}

static bool set_content(struct plan *plan, enum content content, struct text *text) {
    plan->content = content;
    plan->value.len = 0;
    add(&plan->value, text->at, text->len);
    return true;
}

/* Carries one command out; -1 where the probe does not have it, 0 where its value is of no use. */
static int apply(struct plan *plan, const char *name, struct text *text) {
    uint64_t value;
    if (strcmp(name, "body") == 0)
        return set_content(plan, BODY, text);
    if (strcmp(name, "raw") == 0)
        return set_content(plan, RAW, text);
    if (strcmp(name, "echo") == 0)
        return set_content(plan, ECHO, text);
    if (strcmp(name, "size") == 0)
        return number(text->at, text->len, &plan->size) && set_content(plan, SIZE, text);
    if (strcmp(name, "location") == 0)
        return is_line(text) && set_content(plan, LOCATION, text);
    if (strcmp(name, "status") == 0) {
        plan->status.len = 0;
        add(&plan->status, text->at, text->len);
        return is_status(text);
    }
    if (strcmp(name, "header") == 0)
        return field(plan, text);
    if (strcmp(name, "length") == 0)
        return length(plan, text);
    if (strcmp(name, "delay") == 0)
        return duration(text, &plan->delay_ms);
    if (strcmp(name, "pause") == 0)
        return duration(text, &plan->pause_ms);
    if (strcmp(name, "chunks") == 0)
        return number(text->at, text->len, &plan->chunks) && plan->chunks > 0;
    if (strcmp(name, "stderr") == 0) {
        add(&plan->err, text->at, text->len);
        return 1;
    }
    if (strcmp(name, "stderr-size") == 0)
        return number(text->at, text->len, &plan->stderr_size);
    if (strcmp(name, "exit") == 0) {
        bool read = number(text->at, text->len, &value) && value <= UINT32_MAX;
        plan->exit = (long)value;
        return read;
    }
    if (strcmp(name, "die") == 0)
        return death(plan, text);
    if (strcmp(name, "read") == 0)
        return limit(plan, text);
    bool of_wsgi = strcmp(name, "app") == 0 || strcmp(name, "case") == 0 || strcmp(name, "recall") == 0;
    plan->needs_wsgi |= of_wsgi && strcmp(name, "case") != 0;
    return of_wsgi ? 1 : -1;
}

static char *trimmed(char *from, char *to) {
    while (to > from && strchr(" \t", to[-1]) != NULL)
        *--to = 0;
    return from + strspn(from, " \t");
}

static void parse(struct plan *plan, const char *header) {
    char *copy = strdup(header), *rest = copy, *command;
    while (plan->problem.len == 0 && (command = strsep(&rest, ";")) != NULL) {
        command = trimmed(command, command + strlen(command));
        if (*command == 0)
            continue;
        char *equals = strchr(command, '=');
        char *value = equals == NULL ? NULL : trimmed(equals + 1, equals + strlen(equals));
        if (equals != NULL) {
            *equals = 0;
            command = trimmed(command, equals);
        }
        struct text text = {0};
        bool is_form = (value == NULL) == (strcmp(command, "echo") == 0);
        bool is_read = decode(value == NULL ? "" : value, value == NULL ? 0 : strlen(value), &text);
        struct plan asked = {0};
        int done = is_form && is_read ? apply(plan, command, &text) : apply(&asked, command, &text);
        if (done < 0)
            say(&plan->problem, "unknown probe command: %s", command);
        else if (done == 0 || !is_form || !is_read)
            say(&plan->problem, "bad value for %s: %s", command, value == NULL ? "" : value);
        free(text.at);
    }
    free(copy);
}

/* -- what is seen ---------------------------------------------------------- */

static const char *variable(const FCGX_Request *request, const char *name) {
    const char *value = FCGX_GetParam(name, request->envp);
    return value == NULL ? "" : value;
}

/* Never more than CONTENT_LENGTH octets are read. */
static uint64_t wanted(const FCGX_Request *request, const struct plan *plan) {
    uint64_t length;
    const char *text = variable(request, "CONTENT_LENGTH");
    if (!number(text, strlen(text), &length))
        length = 0;
    return length < plan->read ? length : plan->read;
}

static void body(FCGX_Request *request, const struct plan *plan, struct text *told) {
    struct sha sha = {{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c,
                       0x1f83d9ab, 0x5be0cd19}, 0, {0}};
    static char block[BLOCK];
    uint64_t want = wanted(request, plan), size = 0, ignored;
    while (size < want) {
        int asked = want - size < BLOCK ? (int)(want - size) : BLOCK;
        int got = FCGX_GetStr(block, asked, request->in);
        if (got <= 0)
            break;
        sha_add(&sha, block, (size_t)got);
        size += (uint64_t)got;
    }
    say(told, "{\"size\":%" PRIu64 ",\"sha256\":\"", size);
    sha_end(&sha, told);
    const char *length = variable(request, "CONTENT_LENGTH");
    struct text error = {0};
    if (*length != 0 && !number(length, strlen(length), &ignored))
        say(&error, "CONTENT_LENGTH is not a number: %s", length);
    else if (size < want)
        say(&error, "ended after %" PRIu64 " of %" PRIu64 " bytes", size, want);
    say(told, "\",\"error\":");
    if (error.len > 0)
        quote(told, error.at);
    else
        say(told, "null");
    say(told, "}");
    free(error.at);
}

static void report(FCGX_Request *request, const struct text *body, struct text *told) {
    say(told, "{\"probe\":1,\"language\":\"c\",\"interface\":\"fastcgi\",\"pid\":%d,\"environ\":[", getpid());
    const char *comma = "";
    for (char **pair = request->envp; *pair != NULL; pair++) {
        char *name = strdup(*pair), *equals = strchr(name, '=');
        /* libfcgi adds the role. */
        if (equals != NULL && strncmp(name, "FCGI_ROLE=", 10) != 0) {
            *equals = 0;
            say(told, "%s[", comma);
            quote(told, name);
            say(told, ",");
            quote(told, equals + 1);
            say(told, "]");
            comma = ",";
        }
        free(name);
    }
    say(told, "],\"body\":");
    add(told, body->at, body->len);
    say(told, ",\"argv\":null,\"cwd\":null}");
}

/* -- the reply ------------------------------------------------------------- */

static void wait_ms(int64_t ms) {
    struct timespec left = {ms / 1000, ms % 1000 * 1000000};
    while (ms > 0 && nanosleep(&left, &left) != 0)
        continue;
}

/* The reply ends with the connection, as that of a process that died does. */
static void die(FCGX_Request *request) {
    FCGX_FFlush(request->out);
    FCGX_Free(request, 1);
}

static void counter(char *to, uint64_t from, size_t len) {
    for (size_t i = 0; i < len; i++)
        to[i] = (char)((from + i) % 251);
}

/* Octets that are known, or those of the counter where `octets` is NULL. */
static void pieces(FCGX_Request *request, const struct plan *plan, const char *octets, uint64_t size) {
    static char block[BLOCK];
    uint64_t chunks = plan->chunks > 0 ? plan->chunks : 1;
    for (uint64_t chunk = 0, start = 0; chunk < chunks && size > 0; chunk++) {
        wait_ms(chunk > 0 ? plan->pause_ms : 0);
        uint64_t end = (uint64_t)((unsigned __int128)size * (chunk + 1) / chunks);
        while (start < end) {
            size_t len = end - start < BLOCK ? (size_t)(end - start) : BLOCK;
            if (octets == NULL)
                counter(block, start, len);
            if (FCGX_PutStr(octets == NULL ? block : octets + start, (int)len, request->out) < 0)
                return;
            start += len;
        }
        FCGX_FFlush(request->out);
    }
}

static void echo(FCGX_Request *request, const struct plan *plan) {
    static char block[BLOCK];
    for (uint64_t left = wanted(request, plan); left > 0;) {
        int got = FCGX_GetStr(block, left < BLOCK ? (int)left : BLOCK, request->in);
        if (got <= 0 || FCGX_PutStr(block, got, request->out) < 0)
            return;
        FCGX_FFlush(request->out);
        left -= (uint64_t)got;
    }
}

static void head(FCGX_Request *request, const struct plan *plan, const char *type, const uint64_t *size) {
    struct text text = {0};
    if (plan->status.len > 0) {
        say(&text, "Status: ");
        add(&text, plan->status.at, plan->status.len);
        say(&text, "\r\n");
    }
    if (type != NULL && !plan->has_type)
        say(&text, "Content-Type: %s\r\n", type);
    if (size != NULL && !plan->has_own_length)
        say(&text, "Content-Length: %" PRIu64 "\r\n", *size);
    add(&text, plan->fields.at == NULL ? "" : plan->fields.at, plan->fields.len);
    say(&text, "\r\n");
    FCGX_PutStr(text.at, (int)text.len, request->out);
    free(text.at);
}

/* A document: octets, the counter pattern, or the request's own body. */
static void document(FCGX_Request *request, const struct plan *plan, const char *type,
                     const char *octets, uint64_t size, bool is_echo) {
    bool is_known = !is_echo && plan->chunks == 0;
    if (plan->has_length || plan->own_length)
        is_known = true;
    if (plan->no_length)
        is_known = false;
    if (plan->has_length && is_echo)
        is_known = *variable(request, "CONTENT_LENGTH") != 0;
    uint64_t told = plan->own_length ? plan->length : size;
    head(request, plan, type, is_known ? &told : NULL);
    if (plan->dies == AFTER_HEAD) {
        die(request);
        return;
    }
    if (strcmp(variable(request, "REQUEST_METHOD"), "HEAD") == 0)
        return;
    if (is_echo)
        echo(request, plan);
    else
        pieces(request, plan, octets, size);
}

static void refuse(FCGX_Request *request, const char *status, const char *problem) {
    struct plan plan = {0};
    struct text text = {0};
    say(&plan.status, "%s", status);
    say(&text, "{\"probe\":1,\"error\":");
    quote(&text, problem);
    say(&text, "}");
    document(request, &plan, "application/json", text.at, text.len, false);
    free(plan.status.at);
    free(text.at);
}

/* Whether a local redirect made this request, which has the same commands again. */
static bool is_target(const FCGX_Request *request, const char *location) {
    const char *query = strchr(location, '?');
    return query != NULL && query[1] != 0 && strcmp(query + 1, variable(request, "QUERY_STRING")) == 0;
}

static void complain(FCGX_Request *request, const struct plan *plan) {
    FCGX_PutStr(plan->err.at == NULL ? "" : plan->err.at, (int)plan->err.len, request->err);
    for (uint64_t left = plan->stderr_size; left > 0; left--)
        FCGX_PutChar('e', request->err);
    FCGX_FFlush(request->err);
}

static void answer(FCGX_Request *request, const struct plan *plan, const struct text *body) {
    int code = plan->status.len > 0 ? atoi(plan->status.at) : 200;
    struct text text = {0};
    switch (plan->content) {
    case RAW:
        pieces(request, plan, plan->value.at, plan->value.len);
        return;
    case ECHO:
        document(request, plan, "application/octet-stream", NULL, wanted(request, plan), true);
        return;
    case SIZE:
        document(request, plan, "application/octet-stream", NULL, plan->size, false);
        return;
    case BODY:
        document(request, plan, "text/plain", plan->value.at, plan->value.len, false);
        return;
    case LOCATION:
        if (!is_target(request, plan->value.at)) {
            FCGX_FPrintF(request->out, "Location: %s\r\n\r\n", plan->value.at);
            return;
        }
        break;
    case REPORT:
        break;
    }
    if (plan->content == REPORT && (code < 200 || code == 204 || code == 304)) {
        head(request, plan, NULL, NULL);
        return;
    }
    report(request, body, &text);
    document(request, plan, "application/json", text.at, text.len, false);
    free(text.at);
}

static void respond(FCGX_Request *request) {
    struct plan plan = {.read = NO_LIMIT};
    struct text seen = {0};
    parse(&plan, variable(request, "HTTP_X_PROBE"));
    if (plan.problem.len > 0) {
        refuse(request, "400 Bad Request", plan.problem.at);
    } else if (plan.needs_wsgi) {
        refuse(request, "501 Not Implemented", "app needs a WSGI server");
    } else {
        complain(request, &plan);
        if (plan.content != ECHO)
            body(request, &plan, &seen);
        wait_ms(plan.delay_ms);
        FCGX_SetExitStatus((int)plan.exit, request->out);
        if (plan.dies == BEFORE_HEAD)
            die(request);
        else
            answer(request, &plan, &seen);
    }
    struct text *all[] = {&plan.value, &plan.status, &plan.fields, &plan.err, &plan.problem, &seen};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]->at);
}

/* -- processes ------------------------------------------------------------- */

static void serve(int socket) {
    FCGX_Request request;
    signal(SIGPIPE, SIG_IGN);
    FCGX_InitRequest(&request, socket, 0);
    while (FCGX_Accept_r(&request) >= 0) {
        respond(&request);
        FCGX_Finish_r(&request);
    }
    exit(1);
}

/* A worker ends with the process that started it. */
static void start(int socket) {
    if (fork() != 0)
        return;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    serve(socket);
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        printf("gatebench-libfcgi, libfcgi %s\n", LIBFCGI_VERSION);
        return 0;
    }
    int workers = argc == 3 ? atoi(argv[2]) : 0;
    if (workers < 1) {
        fprintf(stderr, "usage: %s SOCKET WORKERS\n", argv[0]);
        return 2;
    }
    FCGX_Init();
    int socket = FCGX_OpenSocket(argv[1], 1024);
    if (socket < 0) {
        fprintf(stderr, "cannot listen at %s\n", argv[1]);
        return 1;
    }
    for (int i = 0; i < workers; i++)
        start(socket);
    int status;
    for (pid_t gone; (gone = wait(&status)) > 0; start(socket))
        fprintf(stderr, "worker %d ended, %s %d\n", gone, WIFSIGNALED(status) ? "signal" : "status",
                WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    return 1;
}
