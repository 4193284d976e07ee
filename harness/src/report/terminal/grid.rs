//! The matrix: a row per scenario file, a column per gateway and model.

use std::ops::Range;

use super::paint::{Align, BOLD, DIM, Line, PLAIN, Page, style_of};
use crate::report::{
    text,
    view::{Grid, Mark, Tally, Topic, plain_name},
};

const NAME_LIMIT: usize = 34;
const SEPARATOR: &str = " │ ";
/// Columns between two cells: those of the separator.
const GAP: usize = 3;

/// Draws the matrix; gateways that do not fit beside each other go below each other.
pub(super) fn draw(page: &mut Page, grid: &Grid<'_>, width: usize) {
    if grid.columns.is_empty() {
        return;
    }
    for columns in blocks(grid, width) {
        page.gap();
        block(page, grid, columns);
    }
    legend(page, grid);
}

/// Ranges of columns that fit in one width each, split between gateways where possible.
fn blocks(grid: &Grid<'_>, width: usize) -> Vec<Range<usize>> {
    let room = width.saturating_sub(name_width(grid));
    let mut blocks = Vec::<Range<usize>>::new();
    for (_, band) in grid.bands() {
        match blocks.last_mut() {
            Some(block) if columns_width(grid, block.start..band.end) <= room => {
                block.end = band.end;
            }
            _ => blocks.push(band),
        }
    }
    blocks
}

fn name_width(grid: &Grid<'_>) -> usize {
    let widths = grid.topics.iter().map(|topic| text::width(topic.name));
    widths.max().unwrap_or_default().min(NAME_LIMIT)
}

fn columns_width(grid: &Grid<'_>, columns: Range<usize>) -> usize {
    columns.map(|at| column_width(grid, at) + GAP).sum()
}

fn column_width(grid: &Grid<'_>, at: usize) -> usize {
    let cells = grid.topics.iter().map(|topic| topic.tally(at));
    let cells = cells
        .chain([grid.total(at)])
        .map(|cell| tally(&cell).width());
    let heads = heads(grid, at).map(|head| text::width(&head));
    cells.chain(heads).max().unwrap_or_default()
}

fn block(page: &mut Page, grid: &Grid<'_>, columns: Range<usize>) {
    gateways(page, grid, &columns);
    for level in 0..3 {
        let style = if level == 0 { BOLD } else { DIM };
        let cells = columns
            .clone()
            .map(|at| Line::of(style, heads(grid, at)[level].as_str()));
        let cells: Vec<_> = cells.collect();
        if cells.iter().any(|head| head.width() > 0) {
            row(page, grid, &columns, Line::default(), cells);
        }
    }
    // A topic that none of these columns has a case of stands in another block.
    let here = |topic: &&Topic<'_>| columns.clone().any(|at| !topic.tally(at).is_empty());
    for topic in grid.topics.iter().filter(here) {
        let name = Line::of(PLAIN, text::clip(topic.name, NAME_LIMIT));
        let cells = columns.clone().map(|at| tally(&topic.tally(at)));
        row(page, grid, &columns, name, cells.collect());
    }
    let cells = columns.clone().map(|at| tally(&grid.total(at)));
    row(
        page,
        grid,
        &columns,
        Line::of(BOLD, "together"),
        cells.collect(),
    );
}

/// Gateway names, each over its own columns.
fn gateways(page: &mut Page, grid: &Grid<'_>, columns: &Range<usize>) {
    let mut line = Line::of(PLAIN, " ".repeat(name_width(grid)));
    let inside = |(_, band): &(&str, Range<usize>)| columns.contains(&band.start);
    for (gateway, band) in grid.bands().into_iter().filter(inside) {
        let width = columns_width(grid, band) - GAP;
        let name = Line::of(BOLD, text::clip(gateway, width));
        line = line
            .with(DIM, SEPARATOR)
            .then(name.padded(width, Align::Left));
    }
    page.line(line);
}

fn row(page: &mut Page, grid: &Grid<'_>, columns: &Range<usize>, name: Line, cells: Vec<Line>) {
    let mut line = name.padded(name_width(grid), Align::Left);
    for (at, cell) in columns.clone().zip(cells) {
        let gateway = grid.columns[at].gateway;
        let first = at == columns.start || grid.columns[at - 1].gateway != gateway;
        let gap = if first { SEPARATOR } else { "   " };
        let cell = cell.padded(column_width(grid, at), Align::Left);
        line = line.with(DIM, gap).then(cell);
    }
    page.line(line);
}

/// What stands over a column: model, carrier, backend.
fn heads(grid: &Grid<'_>, at: usize) -> [String; 3] {
    let column = &grid.columns[at];
    let carrier = column.carrier.map(|carrier| format!("via {carrier}"));
    [
        column.model_word().to_owned(),
        carrier.unwrap_or_default(),
        plain_name(column.backend).to_owned(),
    ]
}

fn tally(tally: &Tally) -> Line {
    if tally.is_empty() {
        return Line::default();
    }
    let mut line = Line::default();
    for (at, (mark, count)) in tally.iter().enumerate() {
        let space = if at == 0 { "" } else { " " };
        line = line.with(style_of(mark), format!("{space}{count}{}", mark.symbol()));
    }
    line
}

fn legend(page: &mut Page, grid: &Grid<'_>) {
    let cases = grid.topics.iter().flat_map(|topic| &topic.rows);
    let tally = Tally::of(cases.flat_map(|row| row.cases()));
    let used = Mark::ALL.into_iter().filter(|mark| tally.count(*mark) > 0);
    let mut line = Line::default();
    for mark in used {
        line = line
            .with(style_of(mark), mark.symbol())
            .with(DIM, format!(" {}   ", mark.word()));
    }
    page.gap();
    page.line(line);
}
