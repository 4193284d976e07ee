//! Inputs that the benches share: what nginx sent, from `wire/testdata`, and an HTTP
//! request as a browser sends it.

use wire::fastcgi::state::{Application, Limits};
use wire::fastcgi::values::Capacity;
use wire::request::Gateway;

/// Who serves, as the variables of a request tell it.
pub const GATEWAY: Gateway<'static> = Gateway {
    server_software: "gateserve/0.1.0",
    server_name: "localhost",
    server_port: 8080,
    remote_addr: "192.0.2.7",
    remote_port: 47110,
    server_addr: "192.0.2.1",
    https: false,
    document_root: Some("/srv/www"),
};

/// The application server's side of a FastCGI connection, before its first record.
pub fn application() -> Application {
    let capacity = Capacity {
        max_conns: 1,
        max_reqs: 1,
        mpxs: false,
    };
    Application::new(Limits {
        params_bytes: 65536,
        capacity,
    })
}

/// A POST with a body of five bytes over FastCGI.
pub const FASTCGI: &[u8] = include_bytes!("../wire/testdata/nginx-fastcgi-post.bin");

/// A POST with a body of 40 000 bytes over FastCGI, as two STDIN records.
pub const FASTCGI_BODY: &[u8] = include_bytes!("../wire/testdata/nginx-fastcgi-big.bin");

/// The same POST as [`FASTCGI`] over uwsgi.
pub const UWSGI: &[u8] = include_bytes!("../wire/testdata/nginx-uwsgi-post.bin");

/// The same POST as [`FASTCGI`] over SCGI.
pub const SCGI: &[u8] = include_bytes!("../wire/testdata/nginx-scgi-post.bin");

/// A GET with the fields of a browser.
pub const HTTP: &[u8] = b"GET /app/items/42?sort=name&page=2 HTTP/1.1\r\n\
    Host: www.example.test\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n\
    Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n\
    Accept-Language: en-GB,en;q=0.5\r\n\
    Accept-Encoding: gzip, deflate, br\r\n\
    Referer: http://www.example.test/app/items\r\n\
    Cookie: session=0123456789abcdef0123456789abcdef; theme=dark\r\n\
    Connection: keep-alive\r\n\
    Upgrade-Insecure-Requests: 1\r\n\
    Cache-Control: max-age=0\r\n\r\n";

/// The head that a CGI application writes.
pub const CGI_HEAD: &[u8] = b"Status: 200 OK\n\
    Content-Type: text/html; charset=utf-8\n\
    Content-Length: 5120\n\
    Cache-Control: private, max-age=0\n\
    Set-Cookie: session=0123456789abcdef0123456789abcdef; Path=/; HttpOnly\n\
    X-Frame-Options: SAMEORIGIN\n\n";

/// The reply of php-cgi over FastCGI: a line of STDERR, a page, END_REQUEST.
pub const FASTCGI_REPLY: &[u8] = include_bytes!("../wire/testdata/php-fastcgi-reply.bin");

/// The head of a reply as a web server sends it.
pub const HTTP_REPLY: &[u8] = b"HTTP/1.1 200 OK\r\n\
    Server: nginx/1.22.1\r\n\
    Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
    Content-Type: text/html; charset=utf-8\r\n\
    Content-Length: 5120\r\n\
    Connection: keep-alive\r\n\
    Cache-Control: private, max-age=0\r\n\
    Set-Cookie: session=0123456789abcdef0123456789abcdef; Path=/; HttpOnly\r\n\
    X-Frame-Options: SAMEORIGIN\r\n\r\n";
