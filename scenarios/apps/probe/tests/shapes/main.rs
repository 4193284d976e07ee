//! The probe in its three shapes: the Rust CGI program, probe.py as CGI program,
//! and probe.py as WSGI callable.

mod parity;
mod report;
mod support;
