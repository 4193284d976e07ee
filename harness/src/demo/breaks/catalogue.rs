//! The troubles of the demo, each with the setting that lets it happen and the one that mends it.

use super::{Setting, Trouble, Wave};
use crate::demo::way::Way;

/// All of them, in the order of the page.
pub(crate) static TROUBLES: [Trouble; 7] = [SLOW, CRASH, LEAK, HEADERS, POOL, PINNED, HANG_UP];

/// Finds one by its id.
pub(crate) fn named(id: &str) -> Option<&'static Trouble> {
    TROUBLES.iter().find(|trouble| trouble.id == id)
}

fn setting(processes: u32, options: &[&'static str]) -> Setting {
    Setting {
        processes,
        keep: false,
        options: options.to_vec(),
    }
}

/// A request that takes longer than the server allows.
const SLOW: Trouble = Trouble {
    id: "slow",
    option: |way| match way {
        Way::Cgi | Way::CgiWarm => "cgi-timeout",
        _ => "harakiri",
    },
    broken: |way| match way {
        Way::Cgi | Way::CgiWarm => setting(2, &["--cgi-timeout", "1"]),
        _ => setting(2, &["--harakiri", "1", "--harakiri-verbose"]),
    },
    mended: |way| match way {
        Way::Cgi | Way::CgiWarm => setting(2, &["--cgi-timeout", "10"]),
        _ => setting(2, &["--harakiri", "10"]),
    },
    waves: &[Wave::of(1, "?sleep=2500&show=1"), Wave::of(1, "?show=1")],
};

/// The application dies in the middle of a request.
const CRASH: Trouble = Trouble {
    id: "crash",
    option: |way| match way {
        Way::Cgi | Way::CgiWarm => "—",
        _ => "processes",
    },
    broken: |_| setting(1, &[]),
    mended: |_| setting(4, &[]),
    waves: &[
        Wave {
            meanwhile: true,
            ..Wave::of(2, "?sleep=400&show=1")
        },
        Wave::of(1, "?sleep=100&crash=1"),
        Wave::of(2, "?show=1"),
    ],
};

/// The application keeps 8 MiB of every request.
const LEAK: Trouble = Trouble {
    id: "leak",
    option: |way| match way {
        Way::Cgi | Way::CgiWarm => "—",
        _ => "max-requests, reload-on-rss",
    },
    broken: |_| setting(1, &[]),
    mended: |way| match way {
        Way::Cgi | Way::CgiWarm => setting(1, &[]),
        _ => setting(1, &["--max-requests", "3", "--min-worker-lifetime", "0"]),
    },
    waves: &[
        Wave::of(1, "?leak=8&show=1"),
        Wave::of(1, "?leak=8&show=1"),
        Wave::of(1, "?leak=8&show=1"),
        Wave::of(1, "?leak=8&show=1"),
        Wave::of(1, "?leak=8&show=1"),
        Wave::of(1, "?leak=8&show=1"),
    ],
};

/// A cookie that is larger than the server's buffer for the head.
const HEADERS: Trouble = Trouble {
    id: "headers",
    option: |_| "buffer-size",
    broken: |_| setting(2, &["--buffer-size", "4096"]),
    mended: |_| setting(2, &["--buffer-size", "32768"]),
    waves: &[
        Wave {
            cookie: 8000,
            ..Wave::of(1, "?show=1")
        },
        Wave::of(1, "?show=1"),
    ],
};

/// Four requests of half a second for one worker.
const POOL: Trouble = Trouble {
    id: "pool",
    option: |way| match way {
        Way::Cgi | Way::CgiWarm => "cgi-concurrency",
        _ => "processes",
    },
    broken: |way| match way {
        Way::Cgi | Way::CgiWarm => setting(1, &["--cgi-concurrency", "1"]),
        _ => setting(1, &[]),
    },
    mended: |way| match way {
        Way::Cgi | Way::CgiWarm => setting(1, &["--cgi-concurrency", "4"]),
        _ => setting(4, &[]),
    },
    waves: &[Wave::of(4, "?sleep=500&show=1")],
};

/// Kept connections of the gateway lead to a worker that is busy.
const PINNED: Trouble = Trouble {
    id: "pinned",
    option: |_| "fastcgi_keep_conn, processes, threads",
    broken: |_| Setting {
        keep: true,
        ..setting(2, &[])
    },
    mended: |way| match way {
        Way::Cgi | Way::CgiWarm => setting(2, &[]),
        _ => Setting {
            keep: true,
            ..setting(2, &["--threads", "4"])
        },
    },
    waves: &[
        Wave::of(4, "?sleep=20&show=1"),
        Wave {
            meanwhile: true,
            ..Wave::of(1, "?sleep=1500&show=1")
        },
        Wave::of(4, "?show=1"),
        Wave::of(4, "?show=1"),
    ],
};

/// A client that does not wait for the answer.
const HANG_UP: Trouble = Trouble {
    id: "hang-up",
    option: |way| match way {
        Way::Uwsgi => "uwsgi_ignore_client_abort (nginx)",
        Way::Http => "proxy_ignore_client_abort (nginx)",
        _ => "fastcgi_ignore_client_abort (nginx)",
    },
    broken: |_| setting(1, &[]),
    mended: |_| setting(4, &[]),
    waves: &[
        Wave {
            hang_up: Some(150),
            ..Wave::of(1, "?sleep=1200&show=1")
        },
        Wave::of(1, "?show=1"),
    ],
};
