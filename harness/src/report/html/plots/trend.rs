//! A ratio from run to run, with its interval where it has one.

use plotters::{coord::types::RangedCoordf64, prelude::*};

use super::{Area, Drawn, GRID, MUTED, color_of, text};
use crate::{
    report::{history::Line, units},
    stats::Ratio,
};

type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// Draws a line through the ratios; `runs` is how many runs there are at all.
pub(super) fn draw(area: &Area<'_>, line: &Line, runs: usize) -> Drawn {
    let color = color_of(line.model);
    let lows = line.points.iter().map(|(_, ratio)| ends(ratio).0);
    let highs = line.points.iter().map(|(_, ratio)| ends(ratio).1);
    let lowest = lows.fold(f64::INFINITY, f64::min);
    let highest = highs.fold(lowest, f64::max);
    let mut chart = ChartBuilder::on(area)
        .margin(8)
        .margin_right(24)
        .x_label_area_size(28)
        .y_label_area_size(64)
        .build_cartesian_2d(0.5..runs as f64 + 0.5, lowest * 0.95..highest * 1.05)?;
    mesh(&mut chart, runs)?;
    let place = |run: usize| (run + 1) as f64;
    for (run, ratio) in &line.points {
        let (low, high) = ends(ratio);
        let whisker = vec![(place(*run), low), (place(*run), high)];
        chart.draw_series([PathElement::new(whisker, color.stroke_width(5))])?;
    }
    let points = line.points.iter();
    let values: Vec<_> = points
        .map(|(run, ratio)| (place(*run), ratio.value))
        .collect();
    let style = color.stroke_width(1);
    chart.draw_series(LineSeries::new(values.iter().copied(), style))?;
    let marks = values.into_iter();
    chart.draw_series(marks.map(|point| Circle::new(point, 4, color.filled())))?;
    Ok(())
}

/// The ends of the interval; without one, the ratio itself.
fn ends(ratio: &Ratio) -> (f64, f64) {
    match ratio.interval {
        Some(interval) => (interval.low, interval.high),
        None => (ratio.value, ratio.value),
    }
}

fn mesh(chart: &mut Chart<'_, '_>, runs: usize) -> Drawn {
    chart
        .configure_mesh()
        .x_labels(runs.min(20))
        .y_labels(5)
        .x_label_formatter(&|run| match run.fract() {
            0.0 => format!("{run:.0}"),
            _ => String::new(),
        })
        .y_label_formatter(&|ratio| units::times(*ratio))
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .axis_style(GRID)
        .label_style(text(12, MUTED))
        .draw()?;
    Ok(())
}
