//! Whole runs on the built-in gateway: outputs, exit codes, going on after an interruption.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Stdio},
};

use gatebench::{
    cgi_steps::CgiStep,
    outcome::Outcome,
    results::{CaseResult, Results},
};
use predicates::{prelude::*, str::contains};

use super::gatebench;

#[test]
fn the_same_requests_travel_by_three_models_through_the_builtin_gateway() {
    let folder = tempfile::tempdir().unwrap();
    gatebench()
        .args([
            "run",
            "--gateway",
            "builtin",
            "--scenario",
            "cgi/path-info",
            "--rounds",
            "1",
            "--connections",
            "2",
            "--duration",
            "1s",
        ])
        .current_dir(folder.path())
        .assert()
        .success()
        .stdout(contains("fastcgi").and(contains("uwsgi")));
    let latest = folder.path().join("reports/latest");
    for file in ["results.json", "junit.xml", "summary.md", "report.html"] {
        assert!(latest.join(file).is_file(), "{file}");
    }
    let results = results(&latest.join("results.json"));
    assert_eq!(results.throughput.len(), 3);
    let [cgi, fastcgi, _] = &results.throughput[..] else {
        unreachable!("there are three")
    };
    let steps = cgi.cgi_steps.as_ref().expect("gateserve tells them");
    let of_cgi: Vec<CgiStep> = steps.steps.iter().map(|time| time.step).collect();
    assert_eq!(of_cgi, CgiStep::ALL);
    assert_eq!(fastcgi.cgi_steps, None);
    assert!(results.results.iter().all(|case| case.transcript.is_some()));
}

/// The stored results of a run.
pub(crate) fn results(path: &Path) -> Results {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// A folder with one scenario at a level that expects a status of the plain reply.
fn scenarios(level: &str, status: u16) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("cgi")).unwrap();
    let text = format!(
        "spec = 's'\n[[scenario]]\nname = 'n'\nlevel = '{level}'\nsays = 'It holds.'\n\
         requirements = ['CGI-4.1.5-PI-DECODED']\nfaults = ['gateway/path-info-raw']\n\
         expect.client.status = {status}\n"
    );
    fs::write(folder.path().join("cgi/t.toml"), text).unwrap();
    folder
}

/// Exit code of a check of these scenarios.
fn exit_code(scenarios: &Path, more: &[&str]) -> i32 {
    let folder = tempfile::tempdir().unwrap();
    let assert = gatebench()
        .args([
            "check",
            "--gateway",
            "builtin",
            "--model",
            "uwsgi",
            "--scenarios",
        ])
        .arg(scenarios)
        .args(more)
        .current_dir(folder.path())
        .assert();
    assert.get_output().status.code().unwrap()
}

#[test]
fn only_what_binds_turns_the_exit_code() {
    let [kept, broken, advice] = [
        scenarios("required", 200),
        scenarios("required", 299),
        scenarios("recommended", 299),
    ];
    assert_eq!(exit_code(kept.path(), &[]), 0);
    assert_eq!(exit_code(broken.path(), &[]), 1);
    assert_eq!(exit_code(advice.path(), &[]), 0);
    assert_eq!(exit_code(advice.path(), &["--level", "recommended"]), 1);
}

#[test]
fn a_known_deviation_is_0_and_a_stale_one_is_1() {
    let known = "[[known]]\nsubject = 'builtin'\nversion = 'any'\nmodel = 'any'\n\
                 scenario = 'cgi/t/n'\nbecause = 'it is so'\n";
    for (status, code) in [(299, 0), (200, 1)] {
        let folder = scenarios("required", status);
        fs::write(folder.path().join("known.toml"), known).unwrap();
        assert_eq!(exit_code(folder.path(), &[]), code, "status {status}");
    }
}

#[test]
fn what_the_bench_cannot_judge_is_2() {
    // It ends at once and serves nobody.
    let folder = tempfile::tempdir().unwrap();
    gatebench()
        .args(["check", "--gateway", "nginx", "--binary", "nginx=/bin/true"])
        .args(["--model", "fastcgi", "--scenario", "cgi/query/always-set"])
        .current_dir(folder.path())
        .assert()
        .code(2)
        .stdout(contains("nginx ended before it was ready"));
}

#[test]
fn a_run_goes_on_where_another_ended() {
    let folder = tempfile::tempdir().unwrap();
    let check = |more: &[&str]| {
        gatebench()
            .args(["check", "--gateway", "builtin", "--scenario", "cgi/query"])
            .args(more)
            .current_dir(folder.path())
            .assert()
    };
    // The results cannot be written, so the journal stays.
    check(&["--json", "/dev/full"]).code(2);
    let latest = folder.path().join("reports/latest");
    let journal = fs::read_to_string(latest.join("journal.jsonl")).unwrap();
    let finished = journal.lines().count();
    check(&["--resume"])
        .success()
        .stderr(contains(format!("{finished} finished cases were left")));
    assert!(!latest.join("journal.jsonl").exists());
    let resumed = results(&latest.join("results.json"));
    assert_eq!(resumed.results.len(), finished);
    let transcripts = resumed.results.iter().map(|case| case.transcript.as_ref());
    for transcript in transcripts {
        assert!(latest.join(transcript.unwrap()).is_file());
    }
    let compared = |run: &Results| -> Vec<usize> {
        run.results.iter().map(|case| case.differs.len()).collect()
    };
    check(&[]).success();
    let anew = results(&latest.join("results.json"));
    assert_eq!(
        compared(&resumed),
        compared(&anew),
        "the models are compared"
    );
}

#[test]
fn several_pairings_at_a_time_end_as_one_after_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let check = |jobs: &str| {
        let name = format!("{jobs}.json");
        gatebench()
            .args(["check", "--gateway", "builtin", "--model", "all"])
            .args(["--scenario", "cgi/query", "--jobs", jobs, "--json", &name])
            .current_dir(folder.path())
            .assert()
            .success();
        let run = results(&folder.path().join(name));
        let ended = run.results.into_iter();
        ended
            .map(|case| (case.scenario, case.model, case.outcome))
            .collect::<Vec<_>>()
    };
    assert_eq!(check("1"), check("3"));
}

#[test]
fn shards_in_one_folder_make_one_report() {
    let folder = tempfile::tempdir().unwrap();
    for shard in ["1/2", "2/2"] {
        let name = format!("part{}.json", &shard[..1]);
        gatebench()
            .args(["check", "--gateway", "builtin", "--scenario", "cgi/query"])
            .args(["--shard", shard, "--json", &name])
            .current_dir(folder.path())
            .assert()
            .success();
    }
    gatebench()
        .args(["report", "part1.json", "part2.json", "--json", "all.json"])
        .current_dir(folder.path())
        .assert()
        .success();
    let [one, two, all] =
        ["part1", "part2", "all"].map(|name| results(&folder.path().join(format!("{name}.json"))));
    assert_eq!(one.results.len() + two.results.len(), all.results.len());
    for case in &all.results {
        let transcript = case.transcript.as_ref().unwrap();
        assert!(folder.path().join(transcript).is_file(), "{transcript}");
    }
}

#[test]
fn changes_against_an_old_run_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let check = |more: &[&str]| {
        gatebench()
            .args(["check", "--gateway", "builtin", "--scenario", "cgi/query"])
            .args(more)
            .current_dir(folder.path())
            .assert()
            .success()
    };
    check(&["--json", "old.json"]);
    check(&["--compare", "old.json"]).stdout(contains("Nothing changed"));
}

pub(crate) fn spawn(arguments: &[&str], folder: &Path) -> Child {
    gatebench();
    std::process::Command::new(assert_cmd::cargo::cargo_bin("gatebench"))
        .args(arguments)
        .current_dir(folder)
        .env("TMPDIR", folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn a_reader_that_leaves_early_costs_no_result() {
    let folder = tempfile::tempdir().unwrap();
    let broken = scenarios("required", 299);
    let scenarios = broken.path().display().to_string();
    let arguments = ["check", "--gateway", "builtin", "--scenarios", &scenarios];
    let mut child = spawn(&arguments, folder.path());
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(folder.path().join("reports/latest/results.json").is_file());
}

/// Command lines of living processes that speak of `folder`.
pub(crate) fn speaking_of(folder: &Path) -> Vec<String> {
    let folder = folder.display().to_string();
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let lines = entries.filter_map(|entry| fs::read_to_string(entry.path().join("cmdline")).ok());
    lines.filter(|line| line.contains(&folder)).collect()
}

#[test]
fn an_interrupted_run_leaves_neither_process_nor_folder() {
    for signal in ["INT", "TERM"] {
        let folder = tempfile::Builder::new().prefix("gbt").tempdir().unwrap();
        let mut child = spawn(&["run", "--gateway", "builtin"], folder.path());
        // The backend listens in the folder, so both sides are under way.
        while speaking_of(folder.path()).is_empty() {
            assert_eq!(child.try_wait().unwrap(), None, "it runs on");
            std::thread::yield_now();
        }
        let pid = child.id().to_string();
        let sent = std::process::Command::new("kill")
            .args(["-s", signal, &pid])
            .status();
        assert!(sent.unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(2));
        assert_eq!(speaking_of(folder.path()), [""; 0]);
        let left = fs::read_dir(folder.path()).unwrap().flatten();
        let left: Vec<_> = left.map(|entry| entry.file_name()).collect();
        assert_eq!(left, ["reports"]);
    }
}

#[test]
fn what_an_interrupted_run_has_found_is_kept_and_marked_as_a_part() {
    let folder = tempfile::Builder::new().prefix("gbt").tempdir().unwrap();
    let mut child = spawn(&["check", "--gateway", "builtin"], folder.path());
    let latest = folder.path().join("reports/latest");
    let journal = latest.join("journal.jsonl");
    let noted = || fs::read_to_string(&journal).map_or(0, |text| text.lines().count());
    while noted() < 3 {
        assert_eq!(child.try_wait().unwrap(), None, "it runs on");
        std::thread::yield_now();
    }
    let pid = child.id().to_string();
    let mut kill = std::process::Command::new("kill");
    let sent = kill.args(["-s", "INT", &pid]).status();
    assert!(sent.unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(2));
    let results = results(&latest.join("results.json"));
    let told = results.environment.partial.unwrap();
    let count = results.results.len();
    assert!(count >= 3, "{count}");
    assert!(
        told.starts_with(&format!("interrupted after {count} of ")),
        "{told}"
    );
    assert_eq!(results.environment.notes[0], format!("partial: {told}"));
    for file in ["junit.xml", "summary.md", "report.html"] {
        assert!(latest.join(file).is_file(), "{file}");
    }
    assert!(noted() >= count, "--resume goes on from there");
    let is_verdict = |case: &CaseResult| case.outcome == Outcome::Pass || case.known;
    let mut cases = results.results.iter();
    assert!(
        cases.all(is_verdict),
        "a subject that was stopped is not blamed"
    );
}

/// Interrupts a child, and gives its exit code.
pub(crate) fn interrupted(child: &mut Child) -> Option<i32> {
    let pid = child.id().to_string();
    let mut kill = std::process::Command::new("kill");
    let sent = kill.args(["-s", "INT", &pid]).status();
    assert!(sent.unwrap().success());
    child.wait().unwrap().code()
}

/// Starts a measurement with its own words on standard error, and waits until it says `word`.
pub(crate) fn measuring(arguments: &[&str], folder: &Path, word: &str) -> Child {
    let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("gatebench"))
        .args(["bench", "--warm-up", "0s", "--json", "r.json"])
        .args(arguments)
        .current_dir(folder)
        .env("TMPDIR", folder)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains(word) {
        line.clear();
        assert_ne!(said.read_line(&mut line).unwrap(), 0, "it runs on");
    }
    // What it says from now on is read, so that it can say it.
    std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
    child
}

#[test]
fn an_interrupted_measurement_keeps_the_rounds_that_are_finished() {
    let folder = tempfile::Builder::new().prefix("gbt").tempdir().unwrap();
    let builtin = ["--gateway", "builtin", "--model", "uwsgi"];
    let load = ["--connections", "2", "--requests", "20", "--rounds", "1000"];
    let arguments = [&builtin[..], &load].concat();
    let mut child = measuring(&arguments, folder.path(), "round 4");
    assert_eq!(interrupted(&mut child), Some(2));
    let results = results(&folder.path().join("r.json"));
    let told = results.environment.partial.unwrap();
    assert_eq!(told, "interrupted after 1 of 1 measurements");
    let [figure] = &results.throughput[..] else {
        panic!("one figure, of {} ", results.throughput.len())
    };
    let rounds = figure.rounds.len();
    assert!((3..1000).contains(&rounds), "{rounds}");
    let fewer = format!("only {rounds} of 1000 rounds were finished when the run was interrupted");
    assert!(figure.caveats.contains(&fewer), "{:?}", figure.caveats);
    assert_eq!(
        figure.errors, 0,
        "a subject that was stopped is not measured"
    );
    assert_eq!(speaking_of(folder.path()), [""; 0]);
}

/// A file system of so many octets, while the test lasts; `None` where none can be mounted.
struct Disk(tempfile::TempDir);

impl Disk {
    fn of(size: &str) -> Option<Self> {
        let folder = tempfile::Builder::new().prefix("gbt").tempdir().unwrap();
        let mut mount = std::process::Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]);
        let mounted = mount.arg(folder.path()).output();
        if mounted.is_ok_and(|done| done.status.success()) {
            return Some(Self(folder));
        }
        eprintln!("skipped: nothing can be mounted here");
        None
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let umount = std::process::Command::new("umount")
            .arg(self.0.path())
            .status();
        assert!(umount.is_ok_and(|status| status.success()) || std::thread::panicking());
    }
}

#[test]
fn a_full_disk_costs_neither_what_was_there_nor_what_is_told() {
    let Some(disk) = Disk::of("48k") else { return };
    let [old, folder] = [
        disk.0.path().join("r.json"),
        tempfile::tempdir().unwrap().keep(),
    ];
    fs::write(&old, "an earlier run").unwrap();
    let junit = folder.join("junit.xml");
    gatebench()
        .args([
            "check",
            "--gateway",
            "builtin",
            "--scenario",
            "cgi/path-info",
        ])
        .arg("--json")
        .arg(&old)
        .arg("--junit")
        .arg(&junit)
        .assert()
        .code(2)
        .stdout(contains("cgi/path-info"))
        .stderr(contains("cannot write").and(contains("r.json")));
    assert_eq!(fs::read_to_string(&old).unwrap(), "an earlier run");
    assert!(junit.is_file(), "another disk has room");
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_case_is_played_again_with_all_that_it_takes() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = gatebench();
    command.current_dir(folder.path());
    command.args(["replay", "cgi/query/passed-as-sent"]);
    command.args(["--gateway", "builtin", "--model", "uwsgi"]);
    let told = command.assert().success().get_output().stdout.clone();
    let told = String::from_utf8(told).unwrap();
    for part in [
        "# cgi/query/passed-as-sent: pass",
        "> CGI-4.1.7-QS-RAW (RFC 3875 §4.1.7, MUST): ",
        "- builtin 0.1.0 (builtin)",
        "--uwsgi-socket",
        "| nc 127.0.0.1 ",
        "packet modifier1 0",
        "Again: `gatebench replay cgi/query/passed-as-sent --gateway builtin --backend gateserve:probe --model uwsgi`",
    ] {
        assert!(told.contains(part), "{part} is not in:\n{told}");
    }
    let left = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 0, "it leaves no file");
}
