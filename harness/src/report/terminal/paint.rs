//! Coloured text that knows its width, and tables of it.

use anstyle::{AnsiColor, Color, Effects};

use super::super::{text, view::Mark};

/// Plain text.
pub(super) const PLAIN: anstyle::Style = anstyle::Style::new();
/// Headings.
pub(super) const BOLD: anstyle::Style = anstyle::Style::new().effects(Effects::BOLD);
/// What is there for completeness.
pub(super) const DIM: anstyle::Style = anstyle::Style::new().effects(Effects::DIMMED);
/// Something good.
pub(super) const GREEN: anstyle::Style = coloured(AnsiColor::Green);
/// Something broken.
pub(super) const RED: anstyle::Style = coloured(AnsiColor::Red).effects(Effects::BOLD);
/// Something to look at.
pub(super) const YELLOW: anstyle::Style = coloured(AnsiColor::Yellow);
/// The bench's own trouble.
pub(super) const MAGENTA: anstyle::Style = coloured(AnsiColor::Magenta);
/// Bars.
pub(super) const CYAN: anstyle::Style = coloured(AnsiColor::Cyan);

const fn coloured(color: AnsiColor) -> anstyle::Style {
    anstyle::Style::new().fg_color(Some(Color::Ansi(color)))
}

/// The colour of a mark.
pub(super) fn style_of(mark: Mark) -> anstyle::Style {
    match mark {
        Mark::Pass => GREEN,
        Mark::Fail | Mark::Crash | Mark::Hang => RED,
        Mark::Stale | Mark::Known => YELLOW,
        Mark::Unsupported | Mark::Blocked => DIM,
        Mark::BenchError => MAGENTA,
    }
}

/// Pieces of text, each in a style.
#[derive(Clone, Debug, Default)]
pub(super) struct Line(Vec<(anstyle::Style, String)>);

impl Line {
    /// A line of one piece.
    pub(super) fn of(style: anstyle::Style, text: impl Into<String>) -> Self {
        Self::default().with(style, text)
    }

    /// This line with one more piece.
    pub(super) fn with(mut self, style: anstyle::Style, text: impl Into<String>) -> Self {
        self.0.push((style, text.into()));
        self
    }

    /// This line with another behind it.
    pub(super) fn then(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Columns it takes.
    pub(super) fn width(&self) -> usize {
        self.0.iter().map(|(_, piece)| text::width(piece)).sum()
    }

    /// Filled up with spaces to `width` columns.
    pub(super) fn padded(self, width: usize, align: Align) -> Self {
        let fill = " ".repeat(width.saturating_sub(self.width()));
        match align {
            Align::Left => self.with(PLAIN, fill),
            Align::Right => Self::of(PLAIN, fill).then(self),
        }
    }
}

/// On which side a column's text stands.
#[derive(Clone, Copy, Debug)]
pub(super) enum Align {
    Left,
    Right,
}

/// A page under construction, with colour or without.
#[derive(Debug)]
pub(super) struct Page {
    out: String,
    color: bool,
}

impl Page {
    /// An empty page.
    pub(super) fn new(color: bool) -> Self {
        let out = String::new();
        Self { out, color }
    }

    /// Adds a line; spaces at its end are left away.
    pub(super) fn line(&mut self, line: Line) {
        let end = line
            .0
            .iter()
            .rposition(|(_, piece)| !piece.trim_end().is_empty());
        let last = end.map_or(0, |at| at + 1);
        for (at, (style, piece)) in line.0[..last].iter().enumerate() {
            let piece = if at + 1 == last {
                piece.trim_end()
            } else {
                piece
            };
            self.piece(*style, piece);
        }
        self.out.push('\n');
    }

    /// Adds an empty line.
    pub(super) fn gap(&mut self) {
        self.out.push('\n');
    }

    /// Adds a section's heading with a word on what is in it.
    pub(super) fn heading(&mut self, title: &str, about: &str) {
        self.gap();
        self.line(Line::of(BOLD, title).with(DIM, format!("  {about}")));
    }

    /// Adds a text broken to `width` columns behind `lead`, further lines under the first.
    pub(super) fn paragraph(
        &mut self,
        lead: Line,
        style: anstyle::Style,
        text: &str,
        width: usize,
    ) {
        let indent = lead.width();
        let mut lead = Some(lead);
        for part in text::wrap(text, width.saturating_sub(indent)) {
            let start = lead
                .take()
                .unwrap_or_else(|| Line::of(PLAIN, " ".repeat(indent)));
            self.line(start.with(style, part));
        }
    }

    /// Adds rows of cells under each other, two spaces apart.
    pub(super) fn table(&mut self, aligns: &[Align], rows: Vec<Vec<Line>>) {
        let width = |at: usize| {
            let cells = rows.iter().filter_map(|row| row.get(at));
            cells.map(Line::width).max().unwrap_or_default()
        };
        let widths: Vec<_> = (0..aligns.len()).map(width).collect();
        for row in rows {
            let mut line = Line::default();
            for ((cell, &width), &align) in row.into_iter().zip(&widths).zip(aligns) {
                line = line.then(cell.padded(width, align)).with(PLAIN, "  ");
            }
            self.line(line);
        }
    }

    /// The page.
    pub(super) fn finish(self) -> String {
        self.out
    }

    fn piece(&mut self, style: anstyle::Style, piece: &str) {
        if self.color && !piece.trim().is_empty() {
            self.out.push_str(&format!("{style}{piece}{style:#}"));
        } else {
            self.out.push_str(piece);
        }
    }
}
