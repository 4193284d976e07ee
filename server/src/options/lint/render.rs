//! The report as people read it: the configuration that counts, then what becomes of each option.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use super::super::finding::Finding;
use super::super::foreign;
use super::super::given::{Gathered, Origin, Stray};
use super::super::groups::accepted;
use super::super::opt::Topic;
use super::super::show::{listing, show};

const HEADING: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const CARE: Style = AnsiColor::Yellow.on_default();
const PLACE: Style = Style::new().dimmed();

/// Names up to this long are aligned.
const NAME_WIDTH: usize = 24;

/// One line of a section: a name, where it stands, and a sentence.
struct Row<'a> {
    name: &'a str,
    origin: Option<&'a Origin>,
    says: String,
}

/// `notes`: what came up while values were read. `trouble`: why the server would not start.
pub(super) fn report(gathered: &Gathered, notes: &[String], trouble: &[String]) -> String {
    let mut text = if gathered.switch("show-config", false) {
        listing(gathered)
    } else {
        show(gathered)
    };
    let plain = |text: &mut String, heading: &str, style, rows: Vec<Row<'_>>| {
        section(text, heading, style, &rows);
    };
    names(&mut text, "Understood", &understood(gathered));
    plain(&mut text, "Replaced", HEADING, replaced(gathered));
    plain(
        &mut text,
        "Not supported, left out",
        CARE,
        unsupported(gathered),
    );
    plain(
        &mut text,
        "Not an option of anybody, left out",
        CARE,
        unknown(gathered),
    );
    let variables = gathered.variables.iter().map(|stray| stray.name.as_str());
    names(
        &mut text,
        "Variables of your own",
        &sorted(variables.collect()),
    );
    let (findings, remarks): (Vec<_>, Vec<_>) = ordered(gathered)
        .into_iter()
        .partition(|finding| finding.warns);
    plain(
        &mut text,
        "Not read as it looks",
        CARE,
        rows(&findings, notes),
    );
    plain(&mut text, "Worth knowing", HEADING, rows(&remarks, &[]));
    verdict(&mut text, trouble);
    text
}

/// The findings in the order of their places.
fn ordered(gathered: &Gathered) -> Vec<&Finding> {
    let mut findings: Vec<_> = gathered.findings.iter().collect();
    findings.sort_by_key(|finding| &finding.origin);
    findings
}

fn verdict(text: &mut String, trouble: &[String]) {
    if trouble.is_empty() {
        line(
            text,
            format_args!("\n{GOOD}The server would start.{GOOD:#}"),
        );
        return;
    }
    line(
        text,
        format_args!("\n{BAD}The server would not start:{BAD:#}"),
    );
    for reason in trouble {
        line(text, format_args!("  {reason}"));
    }
}

fn understood(gathered: &Gathered) -> Vec<&str> {
    let real = gathered
        .given
        .iter()
        .filter(|given| given.opt.topic != Topic::Accepted && given.opt.name != "check-config");
    sorted(real.map(|given| given.opt.name).collect())
}

fn sorted(mut names: Vec<&str>) -> Vec<&str> {
    names.sort_unstable();
    names.dedup();
    names
}

fn replaced(gathered: &Gathered) -> Vec<Row<'_>> {
    let given = gathered
        .given
        .iter()
        .filter(|given| given.opt.topic == Topic::Accepted);
    given
        .map(|given| Row {
            name: given.opt.name,
            origin: Some(&given.origin),
            says: instead(given.opt.name, given.opt.help, &given.value),
        })
        .collect()
}

/// What happens in place of an option.
fn instead(name: &str, help: &str, value: &str) -> String {
    let missing = value
        .split(',')
        .map(str::trim)
        .find(|plugin| !accepted::is_built_in(plugin));
    match missing {
        Some(plugin) if name == "plugins" => {
            format!("there is no plugin `{plugin}`: it is left out")
        }
        _ => help.to_owned(),
    }
}

fn unsupported(gathered: &Gathered) -> Vec<Row<'_>> {
    let row = |help: &str| format!("in uWSGI: {help}");
    strays(&gathered.unsupported, |name| {
        foreign::of_uwsgi(name).map_or_else(String::new, |uwsgis| row(uwsgis.help))
    })
}

fn unknown(gathered: &Gathered) -> Vec<Row<'_>> {
    strays(&gathered.unknown, |name| {
        foreign::nearest(name).map_or_else(
            || "nothing refers to it".to_owned(),
            |nearest| format!("did you mean `{nearest}`?"),
        )
    })
}

fn strays(strays: &[Stray], says: impl Fn(&str) -> String) -> Vec<Row<'_>> {
    strays
        .iter()
        .map(|stray| Row {
            // `=======` is a key of no length.
            name: if stray.name.is_empty() {
                "="
            } else {
                &stray.name
            },
            origin: Some(&stray.origin),
            says: says(&stray.name),
        })
        .collect()
}

fn rows<'a>(findings: &[&'a Finding], notes: &'a [String]) -> Vec<Row<'a>> {
    let found = findings.iter().map(|finding| Row {
        name: &finding.option,
        origin: Some(&finding.origin),
        says: finding.says.clone(),
    });
    let noted = notes.iter().map(|note| Row {
        name: "",
        origin: None,
        says: note.clone(),
    });
    found.chain(noted).collect()
}

fn names(text: &mut String, heading: &str, names: &[&str]) {
    if !names.is_empty() {
        line(
            text,
            format_args!("\n{HEADING}{heading} ({}):{HEADING:#}", names.len()),
        );
        line(text, format_args!("  {}", names.join(", ")));
    }
}

fn section(text: &mut String, heading: &str, style: Style, rows: &[Row<'_>]) {
    if rows.is_empty() {
        return;
    }
    line(
        text,
        format_args!("\n{style}{heading} ({}):{style:#}", rows.len()),
    );
    let longest = rows.iter().map(|row| row.name.chars().count()).max();
    let width = longest.unwrap_or_default().min(NAME_WIDTH);
    for Row { name, origin, says } in rows {
        match origin {
            Some(origin) => line(
                text,
                format_args!("  {name:width$}  {says}  {PLACE}({origin}){PLACE:#}"),
            ),
            None => line(text, format_args!("  {says}")),
        }
    }
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("writing to memory cannot fail");
}
