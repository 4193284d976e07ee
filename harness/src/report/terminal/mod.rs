//! What a run looks like on a terminal: progress while it goes on, the matrix when it is done.

mod found;
mod grid;
mod paint;
mod progress;
mod rates;
mod steps;

use std::io;

pub use progress::Progress;

use super::{
    findings::{self, Verdict},
    text::visible,
    view::{Grid, plain_name},
};
use crate::{
    outcome::Level,
    results::{Results, Role, Subject},
};
use paint::{Align, BOLD, DIM, GREEN, Line, MAGENTA, PLAIN, Page, RED};

/// How a report is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether to colour.
    pub color: bool,
    /// Columns that a line may take.
    pub width: usize,
    /// Violations up to this level make the verdict; others are only told.
    pub level: Level,
}

impl Style {
    /// Without colour, 100 columns wide: for files and tests.
    pub const PLAIN: Self = Self {
        color: false,
        width: 100,
        level: Level::Required,
    };

    /// What standard output can show. `NO_COLOR` and `CLICOLOR_FORCE` are honoured.
    pub fn detect(level: Level) -> Self {
        let color = anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never;
        let width = terminal_size::terminal_size().map_or(100, |(width, _)| usize::from(width.0));
        Self {
            color,
            width: width.clamp(60, 140),
            level,
        }
    }
}

/// The whole report: header, matrix, findings, throughput, verdict.
pub fn matrix(results: &Results, style: Style) -> String {
    let mut page = Page::new(style.color);
    header(&mut page, results, style.width);
    grid::draw(&mut page, &Grid::of(results), style.width);
    found::violations(&mut page, results, style.width);
    found::listed(&mut page, results, style.width);
    found::skipped(&mut page, results, style.width);
    found::disagreements(&mut page, results, style.width);
    found::choices(&mut page, results, style.width);
    rates::draw(&mut page, results, style.width);
    steps::draw(&mut page, results, style.width);
    verdict(&mut page, results, style);
    page.finish()
}

fn header(page: &mut Page, results: &Results, width: usize) {
    let environment = &results.environment;
    let facts = [
        environment.kernel.clone(),
        findings::plural(environment.cpus as usize, "CPU"),
        super::units::bytes(environment.memory_bytes),
        environment
            .engine
            .clone()
            .unwrap_or_else(|| "no container engine".to_owned()),
        environment.started.clone(),
    ];
    page.line(Line::of(
        BOLD,
        format!("gatebench {}", environment.gatebench),
    ));
    page.paragraph(Line::default(), DIM, &visible(&facts.join(" · ")), width);
    page.gap();
    subjects(page, &results.subjects);
    for note in &environment.notes {
        page.paragraph(Line::of(DIM, "  › "), PLAIN, &visible(note), width);
    }
}

fn subjects(page: &mut Page, subjects: &[Subject]) {
    let row = |subject: &Subject| {
        let role = match subject.role {
            Role::Gateway => "gateway",
            Role::Backend => "backend",
        };
        let version = subject.version.as_deref().unwrap_or("version unknown");
        let via = match &subject.image {
            Some(image) => format!("{} from {image}", subject.via),
            None => subject.via.clone(),
        };
        vec![
            Line::of(DIM, format!("  {role}")),
            Line::of(BOLD, visible(&subject.id)),
            Line::of(
                PLAIN,
                version_without_name(version, plain_name(&subject.id)),
            ),
            Line::of(DIM, visible(&via)),
        ]
    };
    page.table(&[Align::Left; 4], subjects.iter().map(row).collect());
}

/// `nginx version: nginx/1.22.1` behind the name nginx is just `1.22.1`.
fn version_without_name<'a>(version: &'a str, name: &str) -> std::borrow::Cow<'a, str> {
    let end = version.rfind(name).map_or(0, |at| at + name.len());
    visible(version[end..].trim_start_matches(['/', ' ']))
}

fn verdict(page: &mut Page, results: &Results, style: Style) {
    let verdict = Verdict::of(results, style.level);
    let color = match verdict.exit_code() {
        0 => GREEN.effects(anstyle::Effects::BOLD),
        1 => RED,
        _ => MAGENTA.effects(anstyle::Effects::BOLD),
    };
    page.gap();
    let lead = Line::of(color, format!("{}  ", verdict.word()));
    let text = match counts(results) {
        counts if counts.is_empty() => verdict.sentence(),
        counts => format!("{}  ({counts})", verdict.sentence()),
    };
    page.paragraph(lead, PLAIN, &text, style.width);
}

fn counts(results: &Results) -> String {
    let counts = findings::counts(&results.summary).into_iter();
    let words: Vec<_> = counts
        .map(|(count, mark)| format!("{count} {}", mark.word()))
        .collect();
    words.join(", ")
}
