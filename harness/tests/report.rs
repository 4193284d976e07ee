//! Every report of one sample run, each as a picture.

mod sample;

use gatebench::report::{
    html, junit, markdown,
    terminal::{self, Style},
};

#[test]
fn the_matrix_fits_a_hundred_columns() {
    let page = terminal::matrix(&sample::results(), Style::PLAIN);
    insta::assert_snapshot!(page);
    for line in page.lines() {
        assert!(line.chars().count() <= 100, "too wide: {line}");
    }
}

#[test]
fn the_summary_fits_a_comment() {
    let page = markdown::render(&sample::results());
    assert!(page.len() < 65_536);
    insta::assert_snapshot!(page);
}

#[test]
fn junit_has_a_suite_per_pairing() {
    let xml = junit::render(&sample::results()).unwrap();
    insta::assert_snapshot!(xml);
}

#[test]
fn the_page_is_whole() {
    let transcript = |path: &str| Some(sample::transcript(path));
    let page = html::render(&sample::results(), &transcript).unwrap();
    std::fs::write(concat!(env!("CARGO_TARGET_TMPDIR"), "/report.html"), &page).unwrap();
}
