//! Stored results: their schema, and the way back from their files.

use std::{fs, path::Path};

use gatebench::{
    outcome::Outcome,
    report::{change, files::Outputs, html::Beside, stored},
    results::{self, Summary},
};

use crate::sample;

#[test]
fn the_schema_in_the_repository_is_the_one_of_the_program() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/results.schema.json");
    let schema = serde_json::to_string_pretty(&results::schema()).unwrap() + "\n";
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        fs::write(path, &schema).unwrap();
    }
    let kept = fs::read_to_string(path).unwrap();
    assert!(
        kept == schema,
        "run `UPDATE_SCHEMA=1 cargo test -p gatebench schema` and look at what changes"
    );
}

#[test]
fn a_sample_run_keeps_the_schema() {
    let validator = jsonschema::validator_for(&results::schema()).unwrap();
    let stored = serde_json::to_value(sample::results()).unwrap();
    let errors: Vec<_> = validator
        .iter_errors(&stored)
        .map(|e| e.to_string())
        .collect();
    assert_eq!(errors, [""; 0]);
}

#[test]
fn the_schema_refuses_an_outcome_that_is_not_on_the_list() {
    let validator = jsonschema::validator_for(&results::schema()).unwrap();
    let mut stored = serde_json::to_value(sample::results()).unwrap();
    stored["results"][0]["outcome"] = "skipped".into();
    assert!(!validator.is_valid(&stored));
}

#[test]
fn all_four_files_are_written_and_the_run_is_read_back_from_them() {
    let folder = tempfile::tempdir().unwrap();
    let latest = folder.path().join("reports/latest");
    let mut run = sample::results();
    run.results
        .iter_mut()
        .for_each(|case| case.transcript = None);
    let outputs = Outputs::in_folder(&latest);
    outputs.write(&run, &latest, Beside::default()).unwrap();
    for path in outputs.paths() {
        assert!(
            fs::metadata(path).unwrap().len() > 1_000,
            "{}",
            path.display()
        );
    }
    assert_eq!(stored::read(&[latest]).unwrap(), run);
}

#[test]
fn transcripts_are_found_wherever_the_results_lie() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("transcripts")).unwrap();
    let mut run = sample::results();
    run.results.retain(|case| case.outcome == Outcome::Crash);
    let name = run.results[0].transcript.clone().unwrap();
    fs::write(folder.path().join(&name), sample::transcript(&name)).unwrap();
    Outputs::in_folder(folder.path())
        .write(&run, folder.path(), Beside::default())
        .unwrap();

    let read = stored::read(&[folder.path().join("results.json")]).unwrap();
    let page = folder.path().join("again.html");
    let again = Outputs {
        html: Some(page.clone()),
        ..Outputs::default()
    };
    again
        .write(&read, Path::new("elsewhere"), Beside::default())
        .unwrap();
    assert!(fs::read_to_string(page).unwrap().contains("client > GET"));
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    let outputs = Outputs {
        markdown: Some("/proc/nowhere/summary.md".into()),
        ..Outputs::default()
    };
    let error = outputs
        .write(&sample::results(), Path::new(""), Beside::default())
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("cannot write /proc/nowhere/summary.md: ")
    );
}

#[test]
fn shards_merge_to_the_whole_run() {
    let whole = sample::results();
    let (mut odd, mut even) = (whole.clone(), whole.clone());
    odd.results = whole.results.iter().skip(1).step_by(2).cloned().collect();
    even.results = whole.results.iter().step_by(2).cloned().collect();
    odd.summary = Summary::of(&odd.results, whole.summary.stale);
    even.summary = Summary::of(&even.results, 0);
    let merged = stored::merge(vec![odd, even]).unwrap();
    assert_eq!(merged.summary, whole.summary);
    assert_eq!(merged.throughput.len(), whole.throughput.len());
    assert_eq!(merged.subjects, whole.subjects);
}

#[test]
fn figures_that_are_missing_from_parts_are_missing_from_the_whole() {
    let mut part = sample::results();
    part.summary = Summary::of(&part.results, 0).with_missing(2);
    let merged = stored::merge(vec![part.clone(), part]).unwrap();
    assert_eq!(merged.missing_figures(), 4);
}

#[test]
fn a_repeated_case_counts_once_and_as_it_ended_last() {
    let mut later = sample::results();
    later.results.retain(|case| case.outcome == Outcome::Crash);
    later.results[0].outcome = Outcome::Pass;
    let merged = stored::merge(vec![sample::results(), later]).unwrap();
    assert_eq!(merged.summary.crash, 0);
    assert_eq!(merged.results.len(), sample::results().results.len());
}

#[test]
fn runs_of_different_machines_say_so() {
    let mut other = sample::results();
    other.environment.cpus = 64;
    let merged = stored::merge(vec![sample::results(), other]).unwrap();
    let note = merged.environment.notes.last().unwrap();
    assert!(
        note.starts_with("merged with a run on another machine"),
        "{note}"
    );
}

#[test]
fn two_runs_are_told_apart_by_what_got_better_and_worse() {
    let (old, mut new) = (sample::results(), sample::results());
    for case in &mut new.results {
        match case.outcome {
            Outcome::Crash => case.outcome = Outcome::Pass,
            Outcome::Blocked => case.outcome = Outcome::Unsupported,
            _ => {}
        }
    }
    new.results[0].outcome = Outcome::Hang;
    new.results[0].expected = Some("a response".to_owned());
    new.results[0].actual = Some("nothing within 5 s".to_owned());
    new.results.pop();
    for (at, times) in [(1, 0.5), (2, 1.01)] {
        let entry = &mut new.throughput[at];
        entry.rps *= times;
        entry.rounds.iter_mut().for_each(|rps| *rps *= times);
    }
    let changes = change::compare(&old, &new);
    assert!(changes.got_worse() && changes.got_slower());
    insta::assert_snapshot!(change::render(&changes), @r"
    ### Worse: 1 case

    - cgi/body/chunked-upload on nginx@1.22:documented · cgi via fastcgi · gateserve:cgi: pass → hang
      expected a response, got nothing within 5 s

    ### Better: 1 case

    - cgi/body/huge on builtin · cgi · script: crash → pass

    ### Otherwise different: 1 case

    - cgi/response/status on builtin · cgi · script: blocked → unsupported

    ### Throughput, as a multiple of the first model's

    - nginx@1.22:documented · hello on 32 · fastcgi gateserve:probe against cgi via fastcgi gateserve:cgi: 22.0× 21.5–22.7 → 11.0× 10.7–11.3, **slower**

    The intervals of both runs meet for 3 of 4 throughput ratios.
    0 cases only in the later run, 1 case only in the earlier one.
    ");
}

#[test]
fn a_machine_that_is_slower_for_all_changes_no_ratio() {
    let (old, mut new) = (sample::results(), sample::results());
    for entry in &mut new.throughput {
        entry.rps *= 0.4;
        entry.rounds.iter_mut().for_each(|rps| *rps *= 0.4);
    }
    assert!(!change::compare(&old, &new).got_slower());
}

#[test]
fn what_took_no_turns_is_no_reason_to_fail_a_job() {
    let (old, mut new) = (sample::results(), sample::results());
    new.throughput[1].rps *= 0.5;
    new.throughput[1].turns = Some("another run".to_owned());
    let changes = change::compare(&old, &new);
    assert!(!changes.got_slower());
    let told = change::render(&changes);
    assert!(
        told.contains("22.0× 21.") && told.contains("→ 11.0×, too few rounds to tell"),
        "{told}"
    );
}

#[test]
fn a_run_does_not_differ_from_itself() {
    let run = sample::results();
    let changes = change::compare(&run, &run);
    assert!(!changes.got_worse());
    assert_eq!(
        change::render(&changes),
        "Nothing changed in the cases that both runs have.\n\
         The intervals of both runs meet for 4 of 4 throughput ratios.\n"
    );
}
