//! Every report of one sample run, each as a picture, and what must hold for any run.

use std::{
    collections::BTreeSet,
    io::{self, Write},
    sync::{Arc, Mutex},
};

use gatebench::{
    event::{Event, Observer as _},
    outcome::{Level, Outcome},
    report::{
        csv,
        findings::Verdict,
        html, junit, markdown,
        terminal::{self, Style},
    },
    results::{CaseResult, FORMAT, Results, Summary},
};

use crate::sample;

fn empty() -> Results {
    Results {
        format: FORMAT,
        requirements: Default::default(),
        results: Vec::new(),
        throughput: Vec::new(),
        idle: Vec::new(),
        summary: Summary::default(),
        ..sample::results()
    }
}

fn page(results: &Results) -> String {
    let transcript = |path: &str| Some(sample::transcript(path));
    html::render(results, &transcript, html::Beside::default()).unwrap()
}

/// All values of an attribute on a page.
fn attributes<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let parts = page.split(name).skip(1);
    parts.filter_map(|part| part.split('"').next()).collect()
}

#[test]
fn the_matrix_fits_a_hundred_columns() {
    let page = terminal::matrix(&sample::results(), Style::PLAIN);
    insta::assert_snapshot!(page);
    // A command is there to be copied, so it is never broken.
    let is_command = |line: &&str| line.trim_start().starts_with("replay ");
    for line in page.lines().filter(|line| !is_command(line)) {
        assert!(line.chars().count() <= 100, "too wide: {line}");
    }
}

#[test]
fn gateways_that_do_not_fit_beside_each_other_go_below_each_other() {
    let narrow = Style {
        width: 60,
        ..Style::PLAIN
    };
    let page = terminal::matrix(&sample::results(), narrow);
    let grid = page.split("BROKEN RULES").next().unwrap();
    assert_eq!(grid.matches("together").count(), 2, "{grid}");
}

#[test]
fn colour_changes_nothing_but_colour() {
    let results = sample::results();
    let colored = Style {
        color: true,
        ..Style::PLAIN
    };
    let colored = terminal::matrix(&results, colored);
    assert!(colored.contains("\u{1b}["));
    let stripped = anstream::adapter::strip_str(&colored).to_string();
    assert_eq!(stripped, terminal::matrix(&results, Style::PLAIN));
}

#[test]
fn octets_from_the_wire_cannot_steer_the_terminal() {
    let mut results = sample::results();
    for case in &mut results.results {
        case.actual = Some("\u{1b}]0;owned\u{7}\r\u{9b}31m".to_owned());
        case.reason.clone_from(&case.actual);
    }
    let page = terminal::matrix(&results, Style::PLAIN);
    assert!(!page.contains(|c: char| c.is_control() && c != '\n'));
    assert!(page.contains(r"\x1b]0;owned\x07\r\x9b31m"));
}

#[test]
fn the_summary_fits_a_comment() {
    let page = markdown::render(&sample::results());
    insta::assert_snapshot!(page);
    let mut many = sample::results();
    let failed = |case: &&_| -> bool {
        let case: &CaseResult = case;
        case.outcome == Outcome::Fail
    };
    let one = many.results.iter().find(failed).unwrap().clone();
    for at in 0..5_000 {
        let mut case = one.clone();
        case.scenario = format!("cgi/many/{at}");
        case.actual = Some("x".repeat(70_000));
        many.results.push(case);
    }
    assert!(markdown::render(&many).len() < 65_536);
}

#[test]
fn junit_has_a_suite_per_pairing() {
    let mut results = sample::results();
    let told = |case: &CaseResult| {
        case.outcome != Outcome::Pass || case.known || case.scenario == "cgi/query/raw"
    };
    results.results.retain(told);
    insta::assert_snapshot!(junit::render(&results, None).unwrap());
}

#[test]
fn the_page_looks_like_this() {
    let page = page(&sample::results());
    // Left where a browser can open it: a snapshot tells nothing of its looks.
    std::fs::write(concat!(env!("CARGO_TARGET_TMPDIR"), "/report.html"), &page).unwrap();
    insta::with_settings!({filters => vec![
        (r"(?s)<style>.*?</style>", "<style>…</style>"),
        (r"(?s)<script>.*?</script>", "<script>…</script>"),
        (r"(?s)(<svg [^>]*>).*?</svg>", "$1…</svg>"),
    ]}, {
        insta::assert_snapshot!(page);
    });
}

/// The names by which the page's script shows cases and scenarios.
fn drawn(page: &str) -> BTreeSet<String> {
    let data = page.split(r#"id="data">"#).nth(1).unwrap();
    let data = data.split("</script>").next().unwrap();
    let data: serde_json::Value = serde_json::from_str(data).unwrap();
    let plain = |name: String| -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        name.chars().map(plain).collect()
    };
    let mut names = BTreeSet::new();
    for topic in data["topics"].as_array().unwrap() {
        for row in topic["rows"].as_array().unwrap() {
            let id = row["id"].as_str().unwrap();
            names.insert(plain(format!("of-{id}")));
            let cells = row["cells"].as_str().unwrap().chars();
            let columns = data["columns"].as_array().unwrap().iter();
            for (_, column) in cells.zip(columns).filter(|(cell, _)| *cell != ' ') {
                let part = |name: &str| column[name].as_str().unwrap().to_owned();
                let [gateway, model, backend] = ["gateway", "model", "backend"].map(part);
                names.insert(plain(format!("{id}--{gateway}--{model}--{backend}")));
            }
        }
    }
    names
}

#[test]
fn every_link_of_the_page_leads_to_one_place_on_it() {
    let page = page(&sample::results());
    let ids = attributes(&page, " id=\"");
    let unique: BTreeSet<_> = ids.iter().copied().collect();
    assert_eq!(ids.len(), unique.len(), "an id stands twice: {ids:?}");
    let drawn = drawn(&page);
    let links = attributes(&page, " href=\"");
    assert!(links.len() > 10);
    for link in links.into_iter().filter(|link| *link != "data:,") {
        let place = link.strip_prefix('#').expect("no link leaves the page");
        let is_there = unique.contains(place) || drawn.contains(place);
        assert!(is_there, "{link} leads nowhere");
    }
}

#[test]
fn the_page_loads_nothing_from_elsewhere() {
    let page = page(&sample::results());
    assert!(attributes(&page, " src=\"").is_empty());
    assert!(!page.contains("@import") && !page.contains("url("));
}

#[test]
fn markup_from_the_wire_stays_text() {
    let evil = "</script><img src=x onerror=alert(1)>\"'`{{ 7331*3 }}";
    let mut results = sample::results();
    results.environment.kernel = evil.to_owned();
    results.environment.notes = vec![evil.to_owned()];
    results.subjects[0].version = Some(evil.to_owned());
    for case in &mut results.results {
        case.says = evil.to_owned();
        case.actual = Some(evil.to_owned());
        case.reason = Some(evil.to_owned());
        case.observation.insert(evil.to_owned(), evil.to_owned());
        for difference in &mut case.differs {
            difference.here = evil.to_owned();
        }
    }
    for entry in &mut results.throughput {
        entry.workload = evil.to_owned();
        entry.carrier = Some(evil.to_owned());
        entry.caveats.push(evil.to_owned());
    }
    let page = html::render(
        &results,
        &|_| Some(evil.to_owned()),
        html::Beside::default(),
    )
    .unwrap();
    assert!(
        !page.contains("<img") && !page.contains("21993"),
        "markup got through"
    );
    assert_eq!(page.matches("<script").count(), 2);
}

#[test]
fn a_run_without_cases_or_measurements_is_still_a_report() {
    let results = empty();
    assert!(terminal::matrix(&results, Style::PLAIN).contains("nothing was judged"));
    assert!(markdown::render(&results).contains("nothing was judged"));
    assert!(
        junit::render(&results, None)
            .unwrap()
            .contains("tests=\"0\"")
    );
    assert!(page(&results).contains("nothing was judged"));
}

#[test]
fn figures_that_are_missing_or_zero_are_drawn_all_the_same() {
    let mut results = sample::results();
    results.results.clear();
    for entry in &mut results.throughput {
        entry.rps = 0.0;
        entry.requests = 0;
        entry.latency_us = Default::default();
        entry.cpu_us_per_request = Default::default();
        entry.latency_curve = vec![(0.0, 0), (50.0, 0), (100.0, 0)];
        entry.rps_by_second = vec![0, 0];
        entry.model = None;
    }
    let page = page(&results);
    let figures = page.split(r#"<section id="throughput">"#).nth(1).unwrap();
    let figures = figures.split("</section>").next().unwrap();
    for number in ["NaN", "inf"] {
        let at = figures.find(number).unwrap_or(figures.len());
        assert_eq!(&figures[at..], "", "{number} on the page");
    }
    assert!(!terminal::matrix(&results, Style::PLAIN).contains("NaN"));
}

#[test]
fn the_verdict_counts_what_the_level_asks_for() {
    let mut results = sample::results();
    results
        .results
        .retain(|case| case.level == Level::Recommended);
    results.summary = Summary::of(&results.results, 0);
    let exit = |level| Verdict::of(&results, level).exit_code();
    assert_eq!(exit(Level::Required), 0);
    assert_eq!(exit(Level::Recommended), 1);
}

#[test]
fn a_stale_entry_alone_fails_the_run() {
    let mut results = empty();
    results.summary.stale = 1;
    assert_eq!(Verdict::of(&results, Level::Required).exit_code(), 1);
}

/// A log that the test can read while the progress still writes it.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(text)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_log_gets_a_line_per_pairing_and_finding() {
    let run = sample::results();
    let log = Log::default();
    let mut progress = terminal::Progress::lines(Box::new(log.clone()));
    progress.event(&Event::Planned {
        cases: run.results.len(),
        measurements: 1,
    });
    progress.event(&Event::Note(
        "nginx runs as a process: \u{1b}[31mit is installed",
    ));
    for cases in run.results.chunks(16) {
        progress.event(&Event::Pairing {
            gateway: cases[0].gateway.as_deref().unwrap(),
            model: cases[0].model.unwrap().word(),
            backend: cases[0].backend.as_deref().unwrap(),
        });
        for case in cases {
            progress.event(&Event::Case(case));
        }
        progress.event(&Event::PairingEnded {
            gateway: cases[0].gateway.as_deref().unwrap(),
            model: cases[0].model.unwrap().word(),
            backend: cases[0].backend.as_deref().unwrap(),
        });
    }
    progress.event(&Event::Busy("builtin by uwsgi, round 1"));
    progress.event(&Event::Measured(&run.throughput[5]));
    progress.event(&Event::Finished);
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    insta::assert_snapshot!(log, @r"
    nginx runs as a process: \x1b[31mit is installed
    ✗ fail cgi/meta-variables/proxy-dropped  nginx@1.22:documented · cgi via fastcgi · gateserve:cgi
    nginx@1.22:documented · cgi · gateserve:cgi: 14 pass, 1 fail, 1 stale
    ✗ fail cgi/meta-variables/proxy-dropped  nginx@1.22:documented · fastcgi · gateserve:probe
    nginx@1.22:documented · fastcgi · gateserve:probe: 14 pass, 1 fail, 1 unsupported
    ✗ fail cgi/meta-variables/proxy-dropped  nginx@1.22:documented · uwsgi · gateserve:probe
    nginx@1.22:documented · uwsgi · gateserve:probe: 13 pass, 1 fail, 1 known, 1 unsupported
    ‡ crash cgi/body/huge  builtin · cgi · script
    builtin · cgi · script: 14 pass, 1 crash, 1 blocked
    ✗ fail cgi/path-info/encoded-slash  builtin · fastcgi · gateserve:probe
    builtin · fastcgi · gateserve:probe: 14 pass, 1 fail, 1 unsupported
    ✗ fail cgi/path-info/encoded-slash  builtin · uwsgi · gateserve:probe
    ! bench error cgi/query/raw  builtin · uwsgi · gateserve:probe: the transcript could not be written: no space left on device
    ✗ fail cgi/response/no-body-with-304  builtin · uwsgi · gateserve:probe
    builtin · uwsgi · gateserve:probe: 12 pass, 2 fail, 1 unsupported, 1 bench error
    builtin by uwsgi, round 1
    builtin · uwsgi · hello: 30,220 requests/s, p50 980 µs, p99 2.74 ms, 3 requests failed
    ");
}

#[test]
fn a_log_tells_once_why_a_pairing_cannot_be_judged() {
    let run = sample::results();
    let is_bench_error = |case: &&CaseResult| case.outcome == Outcome::BenchError;
    let case = run.results.iter().find(is_bench_error).unwrap();
    let log = Log::default();
    let mut progress = terminal::Progress::lines(Box::new(log.clone()));
    progress.event(&Event::Pairing {
        gateway: case.gateway.as_deref().unwrap(),
        model: case.model.unwrap().word(),
        backend: case.backend.as_deref().unwrap(),
    });
    for reason in ["it ended", "it ended", "it hangs"] {
        progress.event(&Event::Case(&CaseResult {
            reason: Some(reason.to_owned()),
            ..case.clone()
        }));
    }
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    insta::assert_snapshot!(log, @r"
    ! bench error cgi/query/raw  builtin · uwsgi · gateserve:probe: it ended
    ! bench error cgi/query/raw  builtin · uwsgi · gateserve:probe: it hangs
    ");
}

#[test]
fn the_figures_as_comma_separated_values() {
    insta::assert_snapshot!(csv::render(&sample::results()).unwrap());
}

#[test]
fn every_line_of_the_figures_has_a_value_for_every_column() {
    let text = csv::render(&sample::results()).unwrap();
    let mut lines = csv_reader(&text);
    let columns = lines.headers().unwrap().len();
    let rows: Vec<_> = lines.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), sample::results().throughput.len());
    assert!(rows.iter().all(|row| row.len() == columns));
}

fn csv_reader(text: &str) -> ::csv::Reader<&[u8]> {
    ::csv::Reader::from_reader(text.as_bytes())
}
