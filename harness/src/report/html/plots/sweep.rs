//! A figure over the number of connections, which doubles from one tick to the next.

use plotters::{coord::types::RangedCoordf64, prelude::*};

use super::{Area, Drawn, GRID, MUTED, SERIES, color_of, name_lines, text};
use crate::{
    report::{
        sweep::{Line, Sweep},
        units,
    },
    results::Throughput,
};

/// What is drawn over the connections.
pub(super) struct Axis {
    /// The figure of a measurement.
    pub(super) value: fn(&Throughput) -> f64,
    /// How the axis names it.
    pub(super) label: fn(f64) -> String,
}

/// Requests per second.
pub(super) const RATE: Axis = Axis {
    value: |one| one.rps,
    label: |rate| units::count(rate.round() as u64),
};

/// The latency that one request in a hundred exceeds, in microseconds.
pub(super) const P99: Axis = Axis {
    value: |one| one.latency_us.p99 as f64,
    label: |us| units::micros(us.round() as u64),
};

type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// Draws one line per way to the application, with a mark for each measurement.
pub(super) fn draw(area: &Area<'_>, sweep: &Sweep<'_>, axis: &Axis) -> Drawn {
    let points = || sweep.lines.iter().flat_map(|line| &line.points);
    let doublings = || points().map(|one| doubling(one));
    let first = doublings().fold(f64::INFINITY, f64::min);
    let last = doublings().fold(first + 1.0, f64::max);
    let highest = points().map(|one| (axis.value)(one)).fold(1.0, f64::max);
    let mut chart = ChartBuilder::on(area)
        .margin(8)
        .margin_right(104)
        .x_label_area_size(28)
        .y_label_area_size(56)
        .build_cartesian_2d(first..last, 0.0..highest * 1.08)?;
    mesh(&mut chart, (last - first).round() as usize + 1, axis)?;
    let mut ends = Vec::new();
    for (at, line) in sweep.lines.iter().enumerate() {
        let color = color(sweep, at);
        let drawn: Vec<_> = places(line, axis).collect();
        ends.extend(drawn.last().map(|end| {
            let place = chart.backend_coord(end);
            (line.label.as_str(), color, place)
        }));
        chart.draw_series(LineSeries::new(
            drawn.iter().copied(),
            color.stroke_width(2),
        ))?;
        let marks = drawn.into_iter();
        chart.draw_series(marks.map(|point| Circle::new(point, 4, color.filled())))?;
    }
    name_lines(area, &ends)
}

/// How often one connection was doubled.
fn doubling(one: &Throughput) -> f64 {
    f64::from(one.connections.max(1)).log2()
}

fn places(line: &Line<'_>, axis: &Axis) -> impl Iterator<Item = (f64, f64)> {
    let points = line.points.iter();
    points.map(|one| (doubling(one), (axis.value)(one)))
}

/// A model has the colour that it has everywhere, unless two lines share the model.
fn color(sweep: &Sweep<'_>, at: usize) -> RGBColor {
    let model = sweep.lines[at].model;
    let same = sweep.lines.iter().filter(|line| line.model == model);
    match same.count() {
        1 => color_of(model),
        _ => SERIES[at % SERIES.len()],
    }
}

fn mesh(chart: &mut Chart<'_, '_>, ticks: usize, axis: &Axis) -> Drawn {
    chart
        .configure_mesh()
        .x_labels(ticks.max(2))
        .y_labels(6)
        .x_label_formatter(&|doubling| format!("{:.0}", doubling.exp2()))
        .y_label_formatter(&|value| (axis.label)(*value))
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .axis_style(GRID)
        .label_style(text(12, MUTED))
        .draw()?;
    Ok(())
}
