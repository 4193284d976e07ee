//! Configurations and what they come to, checked against uWSGI 2.0.31 (`--show-config`).

use std::io::Write;

use super::*;

/// What a text comes to as a file with `--ini`, in an environment.
fn read_in(environment: &[(&str, &str)], text: &str) -> Result<Gathered, OptionError> {
    let mut file = tempfile::Builder::new().suffix(".ini").tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let environment = environment
        .iter()
        .map(|&(name, value)| (name.to_owned(), value.to_owned()));
    let mut reader = Reader::new(environment)?;
    let path = file.path().to_str().unwrap();
    reader.add("ini", Some(path.to_owned()), &Origin::CommandLine)?;
    reader.finish()
}

fn read(text: &str) -> Result<Gathered, OptionError> {
    read_in(&[("HOME", "/root"), ("N", "4")], text)
}

/// `name=value` of every option.
fn pairs_of_all(gathered: &Gathered) -> Vec<String> {
    let given = gathered.given.iter();
    given
        .map(|given| format!("{}={}", given.opt.name, given.value))
        .collect()
}

/// `name=value` of everything below the file itself, options first.
fn pairs(gathered: &Gathered) -> Vec<String> {
    let given = gathered
        .given
        .iter()
        .skip(1)
        .map(|given| (given.opt.name, &given.value));
    let strays = gathered.variables.iter().chain(&gathered.unknown);
    given
        .chain(strays.map(|stray| (stray.name.as_str(), &stray.value)))
        .map(|(name, value)| format!("{name}={value}"))
        .collect()
}

#[track_caller]
fn assert_reads(text: &str, expected: &[&str]) {
    assert_eq!(pairs(&read(&format!("[uwsgi]\n{text}")).unwrap()), expected);
}

#[track_caller]
fn assert_refused(text: &str, part: &str) {
    let error = read(&format!("[uwsgi]\n{text}")).unwrap_err().to_string();
    assert!(error.contains(part), "{error}");
}

#[track_caller]
fn assert_found(text: &str, part: &str) {
    let gathered = read(&format!("[uwsgi]\n{text}")).unwrap();
    let sentences: Vec<_> = gathered.findings.iter().map(Finding::sentence).collect();
    assert!(
        sentences.iter().any(|says| says.contains(part)),
        "{sentences:?}"
    );
}

#[test]
fn placeholders_are_filled_in() {
    assert_reads("chdir = $(HOME)/app", &["chdir=/root/app"]);
    assert_reads(
        "chdir = %(base)/app\nbase = /srv",
        &["chdir=/srv/app", "base=/srv"],
    );
    assert_reads("chdir = 100%%", &["chdir=100%"]);
}

#[test]
fn what_stands_for_nothing_stays() {
    assert_reads(
        "chdir = $(NOPE) %(nope) $HOME",
        &["chdir=$(NOPE) %(nope) $HOME"],
    );
}

#[test]
fn a_letter_that_stands_for_nothing_disappears() {
    assert_reads("chdir = 5% off %Y end", &["chdir=5off  end"]);
    assert_found("chdir = %Y", "`%Y` stands for nothing and disappears");
}

#[test]
fn the_first_of_a_name_is_what_a_placeholder_means() {
    assert_reads("b = 1\nb = 2\nchdir = /%(b)", &["chdir=/1", "b=1", "b=2"]);
}

#[test]
fn arithmetic_goes_from_left_to_right() {
    for (sum, expected) in [
        ("2 + 3 * 4", "20"),
        ("7 / 0", "0"),
        ("$(N) - 1", "3"),
        ("9 ++", "10"),
        ("9 --", "8"),
        ("1 2", "12"),
        ("nope + 1", "1"),
    ] {
        assert_reads(
            &format!("chdir = x%({sum})"),
            &[&format!("chdir=x{expected}")],
        );
    }
}

#[test]
fn brackets_in_arithmetic_are_not_understood() {
    assert_reads("chdir = %((2 * 2) + 1)", &["chdir=1"]);
    assert_found(
        "chdir = %((2 * 2) + 1)",
        "comes to `1`: brackets within brackets",
    );
}

#[test]
fn a_placeholder_in_a_placeholder_is_found_unless_the_value_begins_with_it() {
    assert_reads("a = 9\nchdir = -%(%(a) + 1)", &["chdir=-10", "a=9"]);
    assert_reads("a = 9\nchdir = %(%(a) + 1)", &["chdir=%(9 + 1)", "a=9"]);
    assert_reads(
        "chdir = %(b)\nb = %(c)\nc = 9",
        &["chdir=%(c)", "b=9", "c=9"],
    );
}

#[test]
fn an_option_that_names_itself_finds_what_it_has_come_to() {
    assert_reads("chdir = %( chdir + 1 )%(chdir ++)", &["chdir=12"]);
}

#[test]
fn options_that_uwsgi_reads_before_their_placeholders_are_told() {
    assert_reads("listen = $(N)", &["listen=4"]);
    assert_found("listen = $(N)", "uWSGI reads `$(N)` as it is");
}

#[test]
fn quotes_of_yaml_are_told() {
    let mut file = tempfile::Builder::new().suffix(".yml").tempfile().unwrap();
    file.write_all(b"uwsgi:\n  chdir: '/srv'\n  listen: 5\n")
        .unwrap();
    let mut reader = Reader::new([]).unwrap();
    reader.add_file(file.path().to_str().unwrap()).unwrap();
    let gathered = reader.finish().unwrap();
    assert_eq!(pairs_of_all(&gathered), ["chdir=/srv", "listen=5"]);
    assert_eq!(gathered.findings.len(), 1);
    assert!(gathered.findings[0].sentence().contains("`chdir`"));
}

#[test]
fn a_sign_at_the_very_end_disappears() {
    assert_reads("chdir = /tmp%", &["chdir=/tmp"]);
}

#[test]
fn a_circle_of_placeholders_is_refused() {
    assert_refused("chdir = x%(chdir)", "stand for each other without an end");
}

#[test]
fn files_and_commands_stand_for_their_text() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "secret").unwrap();
    let path = file.path().display();
    assert_reads(&format!("chdir = /@({path})"), &["chdir=/secret"]);
    assert_reads("chdir = @(exec://echo a b)", &["chdir=a b"]);
    assert_refused("chdir = @(/no/such/file)", "line 2): No such file");
    assert_refused("chdir = @(http://x/)", "scheme http:// is not supported");
}

#[test]
fn a_section_of_the_same_file_counts_where_it_is_included() {
    assert_reads(
        "ini = :base\nprobe = true\n[base]\nlisten = 5",
        &["ini=:base", "listen=5", "probe=true"],
    );
    assert_refused("ini = :uwsgi", "include each other more than 16 deep");
}

#[test]
fn a_section_that_is_not_there_is_a_warning() {
    let gathered = read("[other]\nmaster = true\n").unwrap();
    assert!(
        gathered.findings[0]
            .says
            .starts_with("Can't find section \"uwsgi\" in INI")
    );
}

#[test]
fn a_byte_order_mark_is_skipped_and_told() {
    let gathered = read("\u{feff}[uwsgi]\nmaster = true\n").unwrap();
    assert_eq!(pairs(&gathered), ["master=true"]);
    assert!(gathered.findings[0].says.contains("byte order mark"));
}

#[test]
fn conditions_on_the_environment() {
    assert_reads(
        "if-env = N\nlisten = %(_)\nendif =",
        &["if-env=N", "listen=4"],
    );
    assert_reads("if-env = N=5\nlisten = 1\nendif =", &["if-env=N=5"]);
    assert_reads(
        "if-not-env = N=5\nlisten = 1\nend-if",
        &["if-env=N=5", "listen=1"],
    );
    assert_reads(
        "if-not-env = NOPE\nlisten = %(_)\nendif",
        &["if-env=NOPE", "listen=%(_)"],
    );
}

#[test]
fn conditions_on_options_look_back_only() {
    assert_reads(
        "x = 1\nif-opt = x\nlisten = %(_)\nendif",
        &["if-opt=x", "listen=1", "x=1"],
    );
    assert_reads("if-opt = x\nlisten = 1\nendif\nx = 1", &["if-opt=x", "x=1"]);
    assert_reads(
        "if-not-opt = x=1\nlisten = 1\nendif",
        &["if-opt=x=1", "listen=1"],
    );
}

#[test]
fn conditions_on_files() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().display();
    let cases = [
        ("if-dir", true),
        ("if-not-dir", false),
        ("if-exists", true),
        ("if-file", false),
        ("if-not-file", true),
    ];
    for (name, holds) in cases {
        let gathered = read(&format!(
            "[uwsgi]\n{name} = {folder}\nchdir = %(_)\nendif\n"
        ))
        .unwrap();
        let counted = gathered.last("chdir").map(|given| given.value.clone());
        assert_eq!(counted, holds.then(|| folder.to_string()), "{name}");
    }
}

#[test]
fn conditions_on_the_host_and_on_a_reload() {
    let host = nix::unistd::gethostname().unwrap().into_string().unwrap();
    assert_reads(
        &format!("if-hostname = {host}\nlisten = 1\nendif\nif-not-reload\nlisten = 2\nendif"),
        &[
            &format!("if-hostname={host}"),
            "listen=1",
            "if-reload=true",
            "listen=2",
        ],
    );
    let reloaded = read_in(
        &[("UWSGI_RELOADS", "1")],
        "[uwsgi]\nif-reload =\nlisten = 3\n",
    )
    .unwrap();
    assert_eq!(reloaded.last("listen").unwrap().value, "3");
}

#[test]
fn a_block_in_a_block_is_refused_unless_the_outer_is_left_out() {
    assert_refused("if-env = N\nif-env = HOME\nendif", "recursive logic");
    assert_reads(
        "if-env = NOPE\nif-env = HOME\nlisten = 1\nendif\nlisten = 2",
        &["if-env=NOPE", "listen=2"],
    );
}

#[test]
fn there_is_no_else() {
    assert_reads(
        "if-env = N\nlisten = 1\nelse =\nlisten = 2\nendif",
        &["if-env=N", "listen=1", "listen=2"],
    );
    assert_found("else", "uWSGI 2.0 has no `else`");
}

#[test]
fn loops_repeat_each_option_for_itself() {
    assert_reads(
        "for = a  b\ncgi-env = %(_)=1\npythonpath = /%(_)\nendfor",
        &[
            "for=a  b",
            "cgi-env=a=1",
            "cgi-env=b=1",
            "pythonpath=/a",
            "pythonpath=/b",
        ],
    );
    assert_reads(
        "for-times = 2\npythonpath = /%(_)\nendfor",
        &["for=2", "pythonpath=/1", "pythonpath=/2"],
    );
}

#[test]
fn loops_over_files_and_lines() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("b"), "x\ny\n").unwrap();
    std::fs::create_dir(folder.path().join("a")).unwrap();
    let shown = folder.path().display();
    let texts = |text: &str| {
        let gathered = read(&format!("[uwsgi]\n{text}\npythonpath = %(_)\nendfor\n")).unwrap();
        gathered.texts("pythonpath")
    };
    assert_eq!(
        texts(&format!("for-glob = {shown}/*")),
        [format!("{shown}/a/"), format!("{shown}/b")]
    );
    assert_eq!(
        texts(&format!("for-glob = {shown}/no*")),
        [format!("{shown}/no*")]
    );
    assert_eq!(texts(&format!("for-readline = {shown}/b")), ["x", "y"]);
}

#[test]
fn variables_are_made_by_set() {
    assert_reads(
        "set-placeholder = a=1\nlisten = %(a)",
        &["set-placeholder=a=1", "listen=1", "a=1"],
    );
    assert_reads("set = listen=3", &["set=listen=3", "listen=3"]);
    assert_refused("set-ph = listen=3", "cannot be a placeholder");
    assert_refused("set = x", "takes NAME=VALUE");
}

#[test]
fn strange_keys_are_sorted() {
    let gathered =
        read("[uwsgi]\nbase = /srv\nchdir = %(base)\nvaccum = 1\nlegion-freq = 5\n<<<<<<< HEAD\n")
            .unwrap();
    let names = |strays: &[crate::options::Stray]| {
        strays
            .iter()
            .map(|stray| stray.name.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&gathered.variables), ["base"]);
    assert_eq!(names(&gathered.unknown), ["vaccum", "<<<<<<< HEAD"]);
    assert_eq!(names(&gathered.unsupported), ["legion-freq"]);
}

#[test]
fn magic_letters_tell_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.v2.ini");
    std::fs::write(&file, "[uwsgi]\np = %p|%s|%n|%e|%d|%P|%x\n[x]\np = %n|%x").unwrap();
    let read = |key: &str, name: String| {
        let mut reader = Reader::new([]).unwrap();
        if key.is_empty() {
            reader.add_file(&name).unwrap();
        } else {
            reader.add(key, Some(name), &Origin::CommandLine).unwrap();
        }
        reader.finish().unwrap().unknown[0].value.clone()
    };
    let path = file.canonicalize().unwrap().display().to_string();
    let folder = path.trim_end_matches("shop.v2.ini");
    assert_eq!(
        read("ini", path.clone()),
        format!("{path}|shop.v2.ini|shop.v2|ini|{folder}|{path}|")
    );
    // A file without an option leaves the capitals alone, as in uWSGI.
    assert_eq!(
        read("", path.clone()),
        format!("{path}|shop.v2.ini|shop.v2|ini|{folder}||")
    );
    assert_eq!(read("ini", format!("{path}:x")), "shop.v2|x");
}

#[test]
fn the_environment_comes_first() {
    let gathered = read_in(
        &[("UWSGI_LISTEN", "9"), ("UWSGI_MINE", "1")],
        "[uwsgi]\nchdir = %(mine)\n",
    )
    .unwrap();
    assert_eq!(gathered.last("listen").unwrap().origin, Origin::Environment);
    assert_eq!(gathered.last("chdir").unwrap().value, "1");
    assert!(gathered.unknown.is_empty());
}
