<?php
/*
 * The probe: the request says how to reply, the reply says what was seen.
 *
 * For php-fpm, php-cgi and whatever else runs PHP. Its commands travel in the
 * header X-Probe; gatebench-probe's README lists them. PHP 7.4 or newer, no
 * extension but posix for `die`.
 */

error_reporting(E_ALL);
ini_set('display_errors', '0');
ini_set('default_mimetype', '');
ini_set('zlib.output_compression', '0');
set_time_limit(0);
while (ob_get_level() > 0) {
    ob_end_clean();
}

const BLOCK = 65536;

/* A command that the probe does not have, or a value it cannot use. */
class Unknown extends Exception {}

/* What the interface cannot carry. */
class Declined extends Exception {}

/* -- commands -------------------------------------------------------------- */

function bad(): void {
    throw new InvalidArgumentException();
}

function decoded(string $text): string {
    if (preg_match('/%(?![0-9A-Fa-f]{2})/', $text)) {
        bad();
    }
    return preg_replace_callback('/%(..)/s', fn ($match) => chr(hexdec($match[1])), $text);
}

function number(string $text): int {
    if (!preg_match('/^[0-9]{1,18}\z/', $text)) {
        bad();
    }
    return (int) $text;
}

/* Microseconds from `300ms` or `2s`. */
function duration(string $text): int {
    if (preg_match('/^([0-9]{1,9})(ms|s)\z/', $text, $match)) {
        return (int) $match[1] * ($match[2] === 'ms' ? 1000 : 1000000);
    }
    bad();
}

function one_line(string $text): string {
    if (preg_match('/[\r\n\0]/', $text)) {
        bad();
    }
    return $text;
}

function status_line(string $text): string {
    if (!preg_match('/^[1-9][0-9]{2}( [^\x00-\x1f\x7f]*)?\z/', $text)) {
        bad();
    }
    return $text;
}

function field(string $text): array {
    [$name, $value] = array_pad(explode(':', $text, 2), 2, null);
    if ($value === null || !preg_match('/^[A-Za-z0-9!#$%&\'*+.^_`|~-]+\z/', $name)) {
        bad();
    }
    return [$name, trim(one_line($value), " \t\x0c")];
}

function one_of(string $text, array $words, bool $or_number = false) {
    if (array_key_exists($text, $words)) {
        return $words[$text];
    }
    return $or_number ? number($text) : bad();
}

/* What one request asks the probe to do. */
function plan(string $header): array {
    $plan = ['content' => 'report', 'value' => null, 'fields' => [], 'status' => null,
        'length' => null, 'delay' => 0, 'burn' => 0, 'chunks' => null, 'pause' => 0, 'stderr' => '',
        'stderr-size' => 0, 'exit' => 0, 'die' => null, 'read' => PHP_INT_MAX];
    foreach (explode(';', $header) as $command) {
        if (trim($command) === '') {
            continue;
        }
        [$name, $value] = array_pad(explode('=', trim($command), 2), 2, null);
        apply($plan, trim($name), $value === null ? null : trim($value));
    }
    return $plan;
}

function apply(array &$plan, string $name, ?string $value): void {
    $contents = ['echo', 'body', 'size', 'raw', 'location'];
    if (!array_key_exists($name, $plan) && !in_array($name, [...$contents, 'header'], true)
        || in_array($name, ['content', 'value', 'fields'], true)) {
        throw new Unknown("unknown probe command: $name");
    }
    try {
        if (($value === null) !== ($name === 'echo')) {
            bad();
        }
        $text = decoded((string) $value);
        if (in_array($name, $contents, true)) {
            $plan['content'] = $name;
            $plan['value'] = $name === 'size' ? number($text)
                : ($name === 'location' ? one_line($text) : $text);
        } elseif ($name === 'header') {
            $plan['fields'][] = field($text);
        } else {
            $plan[$name] = setting($name, $text);
        }
    } catch (InvalidArgumentException $bad) {
        throw new Unknown("bad value for $name: $value");
    }
}

function setting(string $name, string $text) {
    switch ($name) {
        case 'status': return status_line($text);
        case 'length': return one_of($text, ['yes' => true, 'no' => false], true);
        case 'delay': case 'burn': case 'pause': return duration($text);
        case 'chunks': return number($text) ?: bad();
        case 'stderr': return $text;
        case 'die': return one_of($text, ['before-head' => 'head', 'after-head' => 'body']);
        case 'read': return one_of($text, ['all' => PHP_INT_MAX, 'none' => 0], true);
        default: return number($text);
    }
}

/* -- what is seen ---------------------------------------------------------- */

/* What PHP adds to what the gateway sent. */
const OWN = ['PHP_SELF', 'REQUEST_TIME', 'REQUEST_TIME_FLOAT', 'argv', 'argc', 'FCGI_ROLE'];

/* Each byte as one character (ISO-8859-1), in UTF-8. */
function latin1(string $bytes): string {
    static $wide = null;
    if ($wide === null) {
        for ($byte = 0x80; $byte <= 0xff; $byte++) {
            $wide[chr($byte)] = chr(0xc0 | $byte >> 6) . chr(0x80 | $byte & 0x3f);
        }
    }
    return strtr($bytes, $wide);
}

function environ(): array {
    $pairs = [];
    foreach ($_SERVER as $name => $value) {
        if (is_string($value) && !in_array((string) $name, OWN, true)) {
            $pairs[] = [latin1((string) $name), latin1($value)];
        }
    }
    return $pairs;
}

/* CGI program, FastCGI server, or a server of its own. */
function interface_name(): string {
    switch (PHP_SAPI) {
        case 'fpm-fcgi': return 'fastcgi';
        case 'cgi-fcgi': return isset($_SERVER['FCGI_ROLE']) ? 'fastcgi' : 'cgi';
        default: return 'http';
    }
}

function read_body(int $limit): array {
    $hash = hash_init('sha256');
    [$size, $error] = [0, null];
    $length = $_SERVER['CONTENT_LENGTH'] ?? '';
    $wanted = min(preg_match('/^[0-9]{1,18}\z/', $length) ? (int) $length : 0, $limit);
    $input = $wanted > 0 ? fopen('php://input', 'rb') : false;
    while ($input && $size < $wanted) {
        $block = fread($input, min(BLOCK, $wanted - $size));
        if ($block === false || $block === '') {
            $error = "ended after $size of $wanted bytes";
            break;
        }
        hash_update($hash, $block);
        $size += strlen($block);
    }
    if ($length !== '' && !preg_match('/^[0-9]+\z/', $length)) {
        $error = 'CONTENT_LENGTH is not a number: ' . latin1($length);
    }
    return ['size' => $size, 'sha256' => hash_final($hash), 'error' => $error];
}

function report(array $body): array {
    $is_program = interface_name() === 'cgi';
    return ['probe' => 1, 'language' => 'php', 'interface' => interface_name(),
        'pid' => getmypid(), 'environ' => environ(), 'body' => $body,
        'argv' => $is_program ? array_map('latin1', arguments()) : null,
        'cwd' => $is_program ? latin1((string) getcwd()) : null];
}

/* How the process was called, its program left out: PHP makes $_SERVER['argv'] of the query. */
function arguments(): array {
    $line = @file_get_contents('/proc/self/cmdline');
    if ($line === false) {
        return [];
    }
    return array_slice(explode("\0", rtrim($line, "\0")), 1);
}

/* -- the reply ------------------------------------------------------------- */

function compact_json(array $value): string {
    return json_encode($value, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE);
}

function head(array $plan, array $fields): void {
    header_remove();
    if ($plan['status'] !== null) {
        header('HTTP/1.1 ' . $plan['status']);
    }
    foreach ($fields as [$name, $value]) {
        header("$name: $value", false, $plan['status'] === null ? 0 : (int) $plan['status']);
    }
}

function names(array $plan, string $name): bool {
    return in_array($name, array_map(fn ($field) => strtolower($field[0]), $plan['fields']), true);
}

/* A document of known size (null: unknown), its content made by the piece. */
function document(array $plan, string $type, ?int $size, callable $pieces): void {
    $fields = names($plan, 'content-type') ? [] : [['Content-Type', $type]];
    $length = $plan['length'];
    if ($length === null) {
        $length = $plan['content'] !== 'echo' && $plan['chunks'] === null;
    }
    $length = $length === true ? $size : ($length === false ? null : $length);
    if ($length !== null && !names($plan, 'content-length')) {
        $fields[] = ['Content-Length', (string) $length];
    }
    head($plan, [...$fields, ...$plan['fields']]);
    if ($plan['die'] === 'body') {
        flush();
        crash();
    }
    if (($_SERVER['REQUEST_METHOD'] ?? '') !== 'HEAD') {
        $pieces();
    }
}

/* Writes `size` bytes that `cut` gives, in as many pieces as asked for. */
function write_pieces(array $plan, int $size, callable $cut): void {
    $chunks = $plan['chunks'] ?? 1;
    for ($chunk = 0, $start = 0; $chunk < $chunks && $size > 0; $chunk++) {
        if ($chunk > 0) {
            usleep($plan['pause']);
        }
        $end = intdiv($size * ($chunk + 1), $chunks);
        for (; $start < $end; $start = $now) {
            $now = min($end, $start + BLOCK);
            echo $cut($start, $now);
            flush();
        }
    }
}

function text(array $plan, string $type, string $text): void {
    $cut = fn ($start, $end) => substr($text, $start, $end - $start);
    document($plan, $type, strlen($text), fn () => write_pieces($plan, strlen($text), $cut));
}

function counter(array $plan, int $size): void {
    $period = implode('', array_map('chr', range(0, 250)));
    $cut = fn ($start, $end) => substr(
        str_repeat($period, intdiv($start % 251 + $end - $start, 251) + 1), $start % 251, $end - $start
    );
    document($plan, 'application/octet-stream', $size, fn () => write_pieces($plan, $size, $cut));
}

function echo_body(array $plan): void {
    $length = $_SERVER['CONTENT_LENGTH'] ?? '';
    $size = preg_match('/^[0-9]{1,18}\z/', $length) ? (int) $length : null;
    document($plan, 'application/octet-stream', $size, function () use ($plan) {
        $input = fopen('php://input', 'rb');
        $left = $plan['read'];
        while ($left > 0 && !feof($input) && ($block = fread($input, min(BLOCK, $left))) !== '') {
            echo $block;
            flush();
            $left -= strlen($block);
        }
    });
}

function refusal(string $line, string $message): void {
    $plan = array_merge(plan(''), ['status' => $line]);
    text($plan, 'application/json', compact_json(['probe' => 1, 'error' => latin1($message)]));
}

function crash(): void {
    posix_kill(getmypid(), 9);
}

/* Uses up so many microseconds of CPU time. */
function burn(int $time): void {
    $spent = function (): int {
        $usage = getrusage();
        return ($usage['ru_utime.tv_sec'] + $usage['ru_stime.tv_sec']) * 1000000
            + $usage['ru_utime.tv_usec'] + $usage['ru_stime.tv_usec'];
    };
    $end = $time > 0 ? $spent() + $time : 0;
    while ($time > 0 && $spent() < $end) {
        for ($i = 0; $i < 1000; $i++);
    }
}

function answer(array $plan): void {
    $body = $plan['content'] === 'echo' ? null : read_body($plan['read']);
    usleep($plan['delay']);
    burn($plan['burn']);
    if ($plan['die'] === 'head') {
        crash();
    }
    if ($plan['content'] === 'location' && !is_target($plan['value'])) {
        $status = $plan['status'] ?? '302 Found';
        head(['status' => $status] + $plan, [['Location', $plan['value']]]);
        return;
    }
    switch ($plan['content']) {
        case 'echo': echo_body($plan); return;
        case 'size': counter($plan, $plan['value']); return;
        case 'body': text($plan, 'text/plain', $plan['value']); return;
    }
    $code = (int) ($plan['status'] ?? 200);
    if ($code < 200 || $code === 204 || $code === 304) {
        head($plan, $plan['fields']);
        return;
    }
    text($plan, 'application/json', compact_json(report($body)));
}

/* Whether a local redirect made this request, which has the same commands again. */
function is_target(string $location): bool {
    $query = explode('?', $location, 2)[1] ?? '';
    return $query !== '' && ($_SERVER['QUERY_STRING'] ?? '') === $query;
}

function complain(array $plan): void {
    if ($plan['stderr'] !== '') {
        error_log(rtrim($plan['stderr'], "\n"), 4);
    }
    for ($left = $plan['stderr-size']; $left > 0; $left -= 1024) {
        error_log(str_repeat('e', min(1024, $left)), 4);
    }
}

function main(): int {
    try {
        $plan = plan($_SERVER['HTTP_X_PROBE'] ?? '');
        if ($plan['content'] === 'raw') {
            throw new Declined('raw needs a CGI interface; PHP makes the head itself');
        }
        if ($plan['die'] !== null && !function_exists('posix_kill')) {
            throw new Declined('die needs the extension posix');
        }
        complain($plan);
        answer($plan);
        return min($plan['exit'], 254);
    } catch (Unknown $unknown) {
        refusal('400 Bad Request', $unknown->getMessage());
    } catch (Declined $declined) {
        refusal('501 Not Implemented', $declined->getMessage());
    }
    return 0;
}

exit(main());
