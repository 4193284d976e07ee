//! Requests answered in each second of the measured time.

use plotters::{coord::types::RangedCoordf64, prelude::*};

use super::{Area, Drawn, GRID, MUTED, Series, line_room, name_lines, text};
use crate::report::units;

type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// Draws one line per series, from zero up.
pub(super) fn draw(area: &Area<'_>, series: &[Series<'_>]) -> Drawn {
    let by_second = || series.iter().map(|one| &one.entry.rps_by_second);
    let seconds = by_second().map(Vec::len).max().unwrap_or(1);
    let highest = by_second().flatten().copied().max().unwrap_or(1).max(1);
    let mut chart = ChartBuilder::on(area)
        .margin(8)
        .margin_right(line_room(series))
        .x_label_area_size(28)
        .y_label_area_size(56)
        .build_cartesian_2d(1.0..seconds as f64, 0.0..highest as f64 * 1.08)?;
    mesh(&mut chart, seconds)?;
    let mut ends = Vec::new();
    for one in series {
        let line: Vec<_> = points(one).collect();
        ends.extend(
            line.last()
                .map(|end| (one.label.as_str(), one.color, chart.backend_coord(end))),
        );
        chart.draw_series(LineSeries::new(line, one.color.stroke_width(2)))?;
    }
    name_lines(area, &ends)
}

fn points(one: &Series<'_>) -> impl Iterator<Item = (f64, f64)> {
    let counts = one.entry.rps_by_second.iter().enumerate();
    counts.map(|(second, &count)| ((second + 1) as f64, count as f64))
}

fn mesh(chart: &mut Chart<'_, '_>, seconds: usize) -> Drawn {
    chart
        .configure_mesh()
        .x_labels(seconds.min(11))
        .y_labels(6)
        .x_label_formatter(&|second| format!("{second:.0} s"))
        .y_label_formatter(&|rate| units::count(rate.round() as u64))
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .axis_style(GRID)
        .label_style(text(12, MUTED))
        .draw()?;
    Ok(())
}
