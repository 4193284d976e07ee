//! The table: heats, their lanes, and the rows with their targets.

use super::{
    asks::Asks,
    lane::{
        App, Front, Lane,
        Server::Gateserve,
        Server::{Granian, Gunicorn, Libfcgi, Native, Responder, Uwsgi},
    },
    sample::Measure,
};
use crate::model::Model::{FastCgi, Http, Uwsgi as UwsgiProtocol};

/// Lanes that take turns at the same trial.
#[derive(Clone, Copy, Debug)]
pub struct Heat {
    /// Its name on the command line.
    pub id: &'static str,
    /// What it is about.
    pub title: &'static str,
    /// What is done to each lane in each round.
    pub trial: Trial,
    /// Who takes part.
    pub lanes: &'static [Lane],
    /// What is compared.
    pub rows: &'static [Row],
}

/// What is done to a lane in a round.
#[derive(Clone, Copy, Debug)]
pub enum Trial {
    /// Load by so many connections.
    Load {
        /// Client connections.
        connections: u32,
        /// What they ask for.
        asks: Asks,
        /// Afterwards, open pacing at half the rate of the slowest lane, the same for all.
        then_half: bool,
        /// Shortest measured time of a round in seconds, where requests are slow.
        at_least_s: u64,
    },
    /// The time from its start to its first answer.
    Start,
    /// Memory of two workers and of four.
    Memory,
}

/// One comparison.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// What is compared.
    pub measure: Measure,
    /// Our lane.
    pub ours: &'static str,
    /// With what.
    pub with: With,
    /// The least, or for a cost the most, that ours over theirs may be.
    pub target: f64,
}

/// What a lane is compared with.
#[derive(Clone, Copy, Debug)]
pub enum With {
    /// The best of these lanes.
    BestOf(&'static [&'static str]),
    /// A figure.
    Figure(f64),
}

const fn row(measure: Measure, ours: &'static str, with: With, target: f64) -> Row {
    Row {
        measure,
        ours,
        with,
        target,
    }
}

const KEPT: Front = Front::Nginx("keepalive");
const PLAIN: Front = Front::Nginx("documented");

const fn hello(then_half: bool) -> Trial {
    Trial::Load {
        connections: 32,
        asks: Asks::Hello,
        then_half,
        at_least_s: 0,
    }
}

/// The heats in the order in which they run.
pub static HEATS: &[Heat] = &[
    Heat {
        id: "wsgi",
        title: "WSGI hello behind nginx, 32 connections",
        trial: hello(true),
        lanes: &[
            Lane::new("gateserve, FastCGI kept", KEPT, FastCgi, Gateserve),
            Lane::new("limit, FastCGI kept", KEPT, FastCgi, Responder).app(App::Own),
            Lane::new("granian, HTTP kept", KEPT, Http, Granian),
            Lane::new("gateserve, uwsgi", PLAIN, UwsgiProtocol, Gateserve),
            Lane::new("limit, uwsgi", PLAIN, UwsgiProtocol, Responder).app(App::Own),
            Lane::new("uWSGI, uwsgi", PLAIN, UwsgiProtocol, Uwsgi),
            Lane::new("uWSGI, FastCGI", PLAIN, FastCgi, Uwsgi),
        ],
        rows: &[
            row(
                Measure::RequestsPerSecond,
                "gateserve, FastCGI kept",
                With::BestOf(&["uWSGI, uwsgi", "uWSGI, FastCGI"]),
                1.7,
            ),
            row(
                Measure::RequestsPerSecond,
                "gateserve, FastCGI kept",
                With::BestOf(&["granian, HTTP kept"]),
                1.5,
            ),
            row(
                Measure::RequestsPerSecond,
                "gateserve, FastCGI kept",
                With::BestOf(&["limit, FastCGI kept"]),
                0.92,
            ),
            row(
                Measure::ServerCpuUs,
                "gateserve, FastCGI kept",
                With::BestOf(&["granian, HTTP kept", "uWSGI, uwsgi", "uWSGI, FastCGI"]),
                1.0,
            ),
            row(
                Measure::OfferedP99Us,
                "gateserve, FastCGI kept",
                With::BestOf(&["granian, HTTP kept", "uWSGI, uwsgi", "uWSGI, FastCGI"]),
                1.0,
            ),
            row(
                Measure::P99ToP50,
                "gateserve, FastCGI kept",
                With::Figure(1.0),
                5.0,
            ),
            row(
                Measure::RequestsPerSecond,
                "gateserve, uwsgi",
                With::BestOf(&["limit, uwsgi"]),
                0.96,
            ),
            row(
                Measure::ServerCpuUs,
                "gateserve, uwsgi",
                With::BestOf(&["uWSGI, uwsgi"]),
                0.9,
            ),
            row(
                Measure::OfferedP99Us,
                "gateserve, uwsgi",
                With::BestOf(&["uWSGI, uwsgi"]),
                1.0,
            ),
        ],
    },
    Heat {
        id: "http",
        title: "WSGI hello over HTTP with no gateway, 32 connections",
        trial: hello(true),
        lanes: &[
            Lane::new("gateserve", Front::Nothing, Http, Gateserve),
            Lane::new("granian", Front::Nothing, Http, Granian),
            Lane::new("gunicorn, 4 threads", Front::Nothing, Http, Gunicorn).threads(4),
        ],
        rows: &[
            row(
                Measure::RequestsPerSecond,
                "gateserve",
                With::BestOf(&["granian"]),
                1.3,
            ),
            row(
                Measure::RequestsPerSecond,
                "gateserve",
                With::BestOf(&["gunicorn, 4 threads"]),
                3.0,
            ),
            row(
                Measure::ServerCpuUs,
                "gateserve",
                With::BestOf(&["granian", "gunicorn, 4 threads"]),
                1.0,
            ),
            row(
                Measure::OfferedP99Us,
                "gateserve",
                With::BestOf(&["granian", "gunicorn, 4 threads"]),
                1.0,
            ),
        ],
    },
    Heat {
        id: "native",
        title: "The probe without Python behind nginx, 32 connections",
        trial: hello(false),
        lanes: &[
            Lane::new("gateserve, FastCGI kept", KEPT, FastCgi, Native).app(App::Own),
            Lane::new("libfcgi, FastCGI", PLAIN, FastCgi, Libfcgi).app(App::Own),
            Lane::new("libfcgi, FastCGI kept", KEPT, FastCgi, Libfcgi).app(App::Own),
        ],
        rows: &[
            row(
                Measure::RequestsPerSecond,
                "gateserve, FastCGI kept",
                With::BestOf(&["libfcgi, FastCGI", "libfcgi, FastCGI kept"]),
                1.5,
            ),
            row(
                Measure::ServerCpuUs,
                "gateserve, FastCGI kept",
                With::BestOf(&["libfcgi, FastCGI", "libfcgi, FastCGI kept"]),
                1.0,
            ),
            row(
                Measure::P99ToP50,
                "gateserve, FastCGI kept",
                With::Figure(1.0),
                5.0,
            ),
        ],
    },
    Heat {
        id: "pinned",
        title: "Every 50th request takes 500 ms, 2 workers of one thread, 32 connections",
        trial: Trial::Load {
            connections: 32,
            asks: Asks::OneInFiftySlow,
            then_half: false,
            at_least_s: 6,
        },
        lanes: &[
            Lane::new("gateserve, FastCGI kept", KEPT, FastCgi, Gateserve).app(App::Work),
            Lane::new("gateserve, FastCGI", PLAIN, FastCgi, Gateserve).app(App::Work),
        ],
        rows: &[row(
            Measure::FastP95Us,
            "gateserve, FastCGI kept",
            With::BestOf(&["gateserve, FastCGI"]),
            2.0,
        )],
    },
    Heat {
        id: "threads",
        title: "An application of 50 ms, 2 workers of 8 threads, 200 connections, by uwsgi",
        trial: Trial::Load {
            connections: 200,
            asks: Asks::Sleep,
            then_half: false,
            at_least_s: 5,
        },
        lanes: &[Lane::new("gateserve", PLAIN, UwsgiProtocol, Gateserve)
            .app(App::Work)
            .threads(8)
            // nginx is refused where a Unix socket's queue is full, which by default holds 100.
            .options(&["--listen", "1024"])],
        rows: &[
            row(
                Measure::RequestsPerSecond,
                "gateserve",
                With::Figure(320.0),
                0.95,
            ),
            row(Measure::MaxToMean, "gateserve", With::Figure(1.0), 1.5),
        ],
    },
    Heat {
        id: "upload",
        title: "An upload of 1 MiB that the application reads, nginx and uwsgi, 8 connections",
        trial: Trial::Load {
            connections: 8,
            asks: Asks::Upload,
            then_half: false,
            at_least_s: 0,
        },
        lanes: &[
            Lane::new("gateserve", PLAIN, UwsgiProtocol, Gateserve).app(App::Work),
            Lane::new("uWSGI", PLAIN, UwsgiProtocol, Uwsgi).app(App::Work),
        ],
        rows: &[
            row(
                Measure::RequestsPerSecond,
                "gateserve",
                With::BestOf(&["uWSGI"]),
                1.2,
            ),
            row(
                Measure::ServerCpuUs,
                "gateserve",
                With::BestOf(&["uWSGI"]),
                1.0,
            ),
        ],
    },
    Heat {
        id: "file",
        title: "A static file of 1 MiB, no gateway, 8 connections",
        trial: Trial::Load {
            connections: 8,
            asks: Asks::File,
            then_half: false,
            at_least_s: 0,
        },
        lanes: &[
            Lane::new("gateserve", Front::Nothing, Http, Gateserve).app(App::Own),
            Lane::new("nginx", PLAIN, UwsgiProtocol, Responder).app(App::Own),
        ],
        rows: &[row(
            Measure::RequestsPerSecond,
            "gateserve",
            With::BestOf(&["nginx"]),
            0.9,
        )],
    },
    Heat {
        id: "gateway",
        title: "The built-in gateway beside nginx, the probe without Python behind, 32 connections",
        trial: hello(false),
        lanes: &[
            Lane::new(
                "built-in, FastCGI kept",
                Front::Builtin("keepalive"),
                FastCgi,
                Native,
            )
            .app(App::Own),
            Lane::new("nginx, FastCGI kept", KEPT, FastCgi, Native).app(App::Own),
            Lane::new(
                "built-in, uwsgi",
                Front::Builtin("default"),
                UwsgiProtocol,
                Native,
            )
            .app(App::Own),
            Lane::new("nginx, uwsgi", PLAIN, UwsgiProtocol, Native).app(App::Own),
        ],
        rows: &[
            row(
                Measure::RequestsPerSecond,
                "built-in, FastCGI kept",
                With::BestOf(&["nginx, FastCGI kept"]),
                0.9,
            ),
            row(
                Measure::RequestsPerSecond,
                "built-in, uwsgi",
                With::BestOf(&["nginx, uwsgi"]),
                0.9,
            ),
        ],
    },
    Heat {
        id: "start",
        title: "From the start of the program to its first answer, Flask",
        trial: Trial::Start,
        lanes: &[
            Lane::new("gateserve", Front::Nothing, Http, Gateserve).app(App::Flask),
            Lane::new("uWSGI", Front::Nothing, Http, Uwsgi).app(App::Flask),
            Lane::new("granian", Front::Nothing, Http, Granian).app(App::Flask),
        ],
        rows: &[row(
            Measure::StartMs,
            "gateserve",
            With::BestOf(&["uWSGI", "granian"]),
            1.0,
        )],
    },
    Heat {
        id: "memory",
        title: "Memory of one more worker, Flask loaded before the fork",
        trial: Trial::Memory,
        lanes: &[
            Lane::new("gateserve", Front::Nothing, Http, Gateserve).app(App::Flask),
            Lane::new("uWSGI", Front::Nothing, Http, Uwsgi).app(App::Flask),
        ],
        rows: &[row(
            Measure::WorkerKib,
            "gateserve",
            With::BestOf(&["uWSGI"]),
            1.0,
        )],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_names_lanes_of_its_heat() {
        for heat in HEATS {
            let known = |id: &&str| heat.lanes.iter().any(|lane| lane.id == *id);
            for row in heat.rows {
                let with = match row.with {
                    With::BestOf(lanes) => lanes,
                    With::Figure(_) => &[],
                };
                let unknown = [&row.ours].into_iter().chain(with).find(|id| !known(id));
                assert_eq!(unknown, None, "{}", heat.id);
            }
        }
    }

    #[test]
    fn every_lane_has_a_server_that_speaks_its_protocol() {
        for lane in HEATS.iter().flat_map(|heat| heat.lanes) {
            assert!(lane.backend().speaks().contains(&lane.model), "{}", lane.id);
        }
    }

    #[test]
    fn names_are_told_apart() {
        for (at, heat) in HEATS.iter().enumerate() {
            assert!(HEATS[..at].iter().all(|other| other.id != heat.id));
            for (at, lane) in heat.lanes.iter().enumerate() {
                assert!(heat.lanes[..at].iter().all(|other| other.id != lane.id));
            }
        }
    }
}
