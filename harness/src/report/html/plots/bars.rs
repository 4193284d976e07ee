//! Bars that lie: rates, and CPU time in three parts.

use plotters::{
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};

use super::{Area, CPU, Drawn, GRID, MUTED, Series, TEXT, WIDTH, label_room, text};
use crate::report::units;

/// Room for the names, at least.
const LEFT: i32 = 118;
/// Room for the figures behind the longest bar.
const RIGHT: i32 = 150;
const ROW: i32 = 44;
const BAR: i32 = 22;
const TOP: i32 = 6;
const FOOT: i32 = 26;

/// The height of a plot with this many bars.
pub(super) fn height(bars: usize) -> u32 {
    let rows = i32::try_from(bars).unwrap_or(i32::MAX / ROW);
    (TOP + rows * ROW + FOOT).unsigned_abs()
}

/// Requests per second, with the multiple of the first.
pub(super) fn rates(area: &Area<'_>, series: &[Series<'_>]) -> Drawn {
    let best = most(series.iter().map(|one| one.entry.rps));
    let left = left(series);
    axis(area, left, series.len())?;
    for (row, one) in series.iter().enumerate() {
        let rps = one.entry.rps;
        name(area, (left, row), &one.label)?;
        let end = segment(area, (left, row), 0, scaled(rps / best, left), one.color)?;
        let times = match row {
            0 => String::new(),
            _ => format!(" · {}", units::times(one.ratio)),
        };
        figure(
            area,
            (left + end, row),
            &format!("{}{times}", units::amount(rps)),
        )?;
    }
    Ok(())
}

/// CPU time per request: gateway, backend, load generator.
pub(super) fn cpu(area: &Area<'_>, series: &[Series<'_>]) -> Drawn {
    let parts = |one: &Series<'_>| {
        let cpu = one.entry.cpu_us_per_request;
        [cpu.gateway, cpu.backend, cpu.load]
    };
    let sum = |one: &Series<'_>| parts(one).into_iter().flatten().sum::<f64>();
    let dearest = most(series.iter().map(sum));
    let left = left(series);
    axis(area, left, series.len())?;
    for (row, one) in series.iter().enumerate() {
        name(area, (left, row), &one.label)?;
        let (mut from, mut reached) = (0, 0.0);
        for (part, color) in parts(one).into_iter().zip(CPU) {
            reached += part.unwrap_or_default();
            from = segment(
                area,
                (left, row),
                from,
                scaled(reached / dearest, left),
                color,
            )?;
        }
        let split = parts(one).map(|part| part.map_or_else(|| "–".to_owned(), units::amount));
        figure(
            area,
            (left + from, row),
            &format!("{} µs", units::amount(sum(one))),
        )?;
        note(area, (left + from, row), &split.join(" + "))?;
    }
    Ok(())
}

fn most(values: impl Iterator<Item = f64>) -> f64 {
    values
        .filter(|v| v.is_finite())
        .fold(f64::MIN_POSITIVE, f64::max)
}

/// Where the bars begin: behind the longest name.
fn left(series: &[Series<'_>]) -> i32 {
    LEFT.max(20 + label_room(series.iter().map(|one| one.label.as_str()), 13))
}

fn scaled(share: f64, left: i32) -> i32 {
    let room = f64::from(WIDTH) - f64::from(left + RIGHT);
    // A float that is no number becomes 0 here.
    (share * room).round() as i32
}

fn middle(row: usize) -> i32 {
    TOP + ROW / 2 + ROW * i32::try_from(row).unwrap_or_default()
}

fn axis(area: &Area<'_>, left: i32, bars: usize) -> Drawn {
    let end = TOP + ROW * i32::try_from(bars).unwrap_or_default();
    area.draw(&PathElement::new(
        [(left, TOP), (left, end)],
        GRID.stroke_width(1),
    ))?;
    Ok(())
}

fn name(area: &Area<'_>, (left, row): (i32, usize), label: &str) -> Drawn {
    let style = text(13, TEXT).pos(Pos::new(HPos::Right, VPos::Center));
    area.draw_text(label, &style, (left - 10, middle(row)))?;
    Ok(())
}

/// Draws from one offset to another and says where it ended.
fn segment(
    area: &Area<'_>,
    (left, row): (i32, usize),
    from: i32,
    to: i32,
    color: RGBColor,
) -> Result<i32, Box<dyn std::error::Error + Send + Sync>> {
    let to = to.max(from + 1);
    let top = middle(row) - BAR / 2;
    let corners = [(left + from, top), (left + to, top + BAR)];
    area.draw(&Rectangle::new(corners, color.filled()))?;
    Ok(to)
}

fn figure(area: &Area<'_>, (end, row): (i32, usize), label: &str) -> Drawn {
    let style = text(13, TEXT).pos(Pos::new(HPos::Left, VPos::Center));
    area.draw_text(label, &style, (end + 8, middle(row)))?;
    Ok(())
}

fn note(area: &Area<'_>, (end, row): (i32, usize), label: &str) -> Drawn {
    let style = text(11, MUTED).pos(Pos::new(HPos::Left, VPos::Center));
    area.draw_text(label, &style, (end + 8, middle(row) + 16))?;
    Ok(())
}
