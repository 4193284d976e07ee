//! Latency over percentiles, with the rare slow requests spread out where they can be seen.

use std::ops::Range;

use plotters::{
    coord::ranged1d::{KeyPointHint, NoDefaultFormatting, ValueFormatter},
    prelude::*,
};

use super::{Area, Drawn, GRID, MUTED, Series, line_room, name_lines, text};
use crate::report::units;

/// Percentiles that the axis tells; the last one ends it.
const TICKS: [f64; 5] = [50.0, 90.0, 99.0, 99.9, 99.99];

type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<Percentiles, LogCoord<f64>>>;

/// An axis of percentiles on which every further nine is one step: 90 %, 99 %, 99.9 %.
struct Percentiles;

impl Percentiles {
    const LAST: f64 = TICKS[TICKS.len() - 1];

    /// How many nines a percentile has: 90 % has 1, 99 % has 2.
    fn nines(percentile: f64) -> f64 {
        -(1.0 - percentile / 100.0).log10()
    }
}

impl Ranged for Percentiles {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, percentile: &f64, limit: (i32, i32)) -> i32 {
        let share = Self::nines(*percentile) / Self::nines(Self::LAST);
        limit.0 + (share * f64::from(limit.1 - limit.0)).round() as i32
    }

    fn key_points<H: KeyPointHint>(&self, _: H) -> Vec<f64> {
        TICKS.to_vec()
    }

    fn range(&self) -> Range<f64> {
        0.0..Self::LAST
    }
}

impl ValueFormatter<f64> for Percentiles {
    fn format(percentile: &f64) -> String {
        format!("{percentile} %")
    }
}

/// Draws one line per series.
pub(super) fn draw(area: &Area<'_>, series: &[Series<'_>]) -> Drawn {
    let lines: Vec<_> = series.iter().map(points).collect();
    let values = || lines.iter().flatten().map(|(_, us)| *us);
    let lowest = values().fold(f64::INFINITY, f64::min);
    let highest = values().fold(1.0, f64::max);
    let mut chart = ChartBuilder::on(area)
        .margin(8)
        .margin_right(line_room(series))
        .x_label_area_size(28)
        .y_label_area_size(56)
        .build_cartesian_2d(Percentiles, (lowest / 1.3..highest * 1.3).log_scale())?;
    mesh(&mut chart)?;
    for (one, line) in series.iter().zip(&lines) {
        let style = one.color.stroke_width(2);
        chart.draw_series(LineSeries::new(line.iter().copied(), style))?;
    }
    for (at, one) in series.iter().enumerate() {
        markers(&mut chart, at, one)?;
    }
    let ends = series.iter().zip(&lines);
    let ends = ends.filter_map(|(one, line)| {
        let place = chart.backend_coord(line.last()?);
        Some((one.label.as_str(), one.color, place))
    });
    name_lines(area, &ends.collect::<Vec<_>>())
}

fn points(one: &Series<'_>) -> Vec<(f64, f64)> {
    let curve = one.entry.latency_curve.iter();
    let points = curve.map(|&(percentile, us)| (percentile, us.max(1) as f64));
    let shown = points.filter(|(percentile, _)| (0.0..=Percentiles::LAST).contains(percentile));
    shown.collect()
}

fn mesh(chart: &mut Chart<'_, '_>) -> Drawn {
    chart
        .configure_mesh()
        .y_labels(6)
        .y_label_formatter(&|us| round(*us))
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .axis_style(GRID)
        .label_style(text(12, MUTED))
        .draw()?;
    Ok(())
}

/// Axis labels are round numbers and need no decimals.
fn round(us: f64) -> String {
    let label = units::micros(us.round() as u64);
    label.replace(".00", "").replace(".0", "")
}

/// Marks the percentiles that tables tell, in a shape of its own for each series.
fn markers(chart: &mut Chart<'_, '_>, at: usize, one: &Series<'_>) -> Drawn {
    let told = one.entry.latency_us;
    let values = [told.p50, told.p90, told.p99, told.p999];
    for (percentile, us) in TICKS.into_iter().zip(values) {
        let point = (percentile, us.max(1) as f64);
        let fill = one.color.filled();
        match at % 3 {
            0 => chart.draw_series([Circle::new(point, 4, fill)])?,
            1 => chart.draw_series([TriangleMarker::new(point, 6, fill)])?,
            _ => chart.draw_series([
                EmptyElement::at(point) + Rectangle::new([(-4, -4), (4, 4)], fill)
            ])?,
        };
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_further_nine_is_one_step_on_the_axis() {
        let steps = [0.0, 90.0, 99.0, 99.9, 99.99].map(|p| Percentiles.map(&p, (10, 410)));
        assert_eq!(steps, [10, 110, 210, 310, 410]);
    }

    #[test]
    fn axis_labels_have_no_needless_digits() {
        assert_eq!(round(10_000.0), "10 ms");
        assert_eq!(Percentiles::format(&99.9), "99.9 %");
    }
}
