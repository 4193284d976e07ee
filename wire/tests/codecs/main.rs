//! The codecs from outside: literal bytes against values, one topic a file.

mod captures;
mod cgi_heads;
mod fastcgi_application;
mod fastcgi_client;
mod fastcgi_records;
mod http_bodies;
mod http_heads;
mod meta_variables;
mod scgi;
mod support;
mod uwsgi;
