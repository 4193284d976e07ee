//! One lane of a heat: what stands in front, which server, which application.

use crate::{
    backends::{BACKENDS, Backend, PROBE},
    model::Model,
};

use super::responder::RESPONDER;

/// What stands between client and server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front {
    /// nginx with the configuration of this variant.
    Nginx(&'static str),
    /// gateserve as the gateway, with the configuration of this variant.
    Builtin(&'static str),
    /// Nothing: clients connect to the server by TCP.
    Nothing,
}

/// The server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// gateserve with a WSGI application.
    Gateserve,
    /// gateserve with the probe in Rust.
    Native,
    /// uWSGI.
    Uwsgi,
    /// granian.
    Granian,
    /// gunicorn with its threaded workers.
    Gunicorn,
    /// The probe in C on libfcgi.
    Libfcgi,
    /// A C program that answers fixed bytes: the limit.
    Responder,
}

/// What the server runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum App {
    /// Thirteen bytes.
    Hello,
    /// Sleeps and reads bodies as the path says.
    Work,
    /// Thirteen bytes from Flask.
    Flask,
    /// What the server has of its own: a probe, fixed bytes, a file.
    Own,
}

/// One contestant.
#[derive(Clone, Copy, Debug)]
pub struct Lane {
    /// What it is called in rows and reports.
    pub id: &'static str,
    /// In front.
    pub front: Front,
    /// Between both.
    pub model: Model,
    /// Behind.
    pub server: Server,
    /// What runs there.
    pub app: App,
    /// Worker processes.
    pub workers: u32,
    /// Threads of each.
    pub threads: u32,
    /// Options that the server gets besides.
    pub options: &'static [&'static str],
}

impl Lane {
    /// A lane with thirteen bytes of WSGI from 2 workers of one thread each.
    pub const fn new(id: &'static str, front: Front, model: Model, server: Server) -> Self {
        Self {
            id,
            front,
            model,
            server,
            app: App::Hello,
            workers: 2,
            threads: 1,
            options: &[],
        }
    }

    /// The same with another application.
    pub const fn app(self, app: App) -> Self {
        Self { app, ..self }
    }

    /// The same with so many threads in each worker.
    pub const fn threads(self, threads: u32) -> Self {
        Self { threads, ..self }
    }

    /// The same with these options besides.
    pub const fn options(self, options: &'static [&'static str]) -> Self {
        Self { options, ..self }
    }

    /// The server's file.
    ///
    /// # Panics
    /// Never: every server of the table is there, as a test shows.
    pub fn backend(&self) -> &'static dyn Backend {
        let (name, variant) = match self.server {
            Server::Gateserve => ("gateserve", "wsgi"),
            Server::Native => ("gateserve", "probe"),
            Server::Uwsgi => ("uwsgi", ""),
            Server::Granian => ("granian", ""),
            Server::Gunicorn => ("gunicorn", ""),
            Server::Libfcgi => ("libfcgi", ""),
            Server::Responder => return &RESPONDER,
        };
        let is_it = |one: &&&dyn Backend| {
            one.name() == name
                && one.speaks().contains(&self.model)
                && one.variant(self.model) == variant
        };
        let found = BACKENDS.iter().find(is_it);
        *found.expect("the table names servers that the bench knows")
    }

    /// The WSGI application's text.
    pub fn wsgi(&self) -> &'static str {
        match self.app {
            App::Hello => include_str!("../../../scenarios/apps/peers/hello.py"),
            App::Work => include_str!("../../../scenarios/apps/peers/work.py"),
            App::Flask => include_str!("../../../scenarios/apps/peers/flask_app.py"),
            App::Own => PROBE,
        }
    }

    /// Whether it is a competitor, neither ours nor the limit.
    pub fn is_peer(&self) -> bool {
        !matches!(
            self.server,
            Server::Gateserve | Server::Native | Server::Responder
        )
    }
}
