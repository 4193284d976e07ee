//! CGI, step by step: a column for each pairing.

use super::paint::{Align, BOLD, DIM, Line, PLAIN, Page};
use crate::{
    report::{
        steps::{self, ABOUT, Board, FAIR},
        text::visible,
    },
    results::Results,
};

/// Draws one table per gateway.
pub(super) fn draw(page: &mut Page, results: &Results, width: usize) {
    let boards = steps::boards(results);
    if boards.is_empty() {
        return;
    }
    page.heading("CGI STEP BY STEP", "where the time of a request goes");
    page.paragraph(Line::of(PLAIN, "  "), DIM, ABOUT, width);
    for board in &boards {
        page.gap();
        page.line(Line::of(BOLD, format!("  {}", visible(board.gateway))));
        table(page, board);
    }
    if boards.iter().any(Board::has_warm) {
        page.paragraph(Line::of(DIM, "  › "), DIM, FAIR, width);
    }
}

fn table(page: &mut Page, board: &Board<'_>) {
    let head = |cells: Vec<&str>| -> Vec<Line> {
        let cells = cells.into_iter();
        let cells = cells.map(|cell| Line::of(DIM, visible(cell).into_owned()));
        [Line::of(PLAIN, "")].into_iter().chain(cells).collect()
    };
    let models = board.columns.iter().map(|column| column.model).collect();
    let backends = board.columns.iter().map(|column| column.backend).collect();
    let mut rows = vec![head(models), head(backends)];
    for (name, cells) in board.rows() {
        let cells = cells.into_iter().map(|cell| Line::of(PLAIN, cell));
        let name = [Line::of(PLAIN, format!("  {name}"))];
        rows.push(name.into_iter().chain(cells).collect());
    }
    let mut aligns = vec![Align::Left];
    aligns.extend(board.columns.iter().map(|_| Align::Right));
    page.table(&aligns, rows);
}
