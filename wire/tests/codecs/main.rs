//! The codecs from outside: literal bytes against values, one topic a file.

mod http_bodies;
mod http_heads;
mod meta_variables;
mod support;
