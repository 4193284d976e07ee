//! Latency over percentiles, with the rare slow requests spread out where they can be seen.

use plotters::{coord::types::RangedCoordf64, prelude::*};

use super::{Area, Drawn, GRID, MUTED, Series, name_lines, text};
use crate::report::units;

/// Percentiles beyond this many nines are left out: 99.99 %.
const NINES: f64 = 4.0;

type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, LogCoord<f64>>>;

/// Draws one line per series.
pub(super) fn draw(area: &Area<'_>, series: &[Series<'_>]) -> Drawn {
    let lines: Vec<_> = series.iter().map(points).collect();
    let values = || lines.iter().flatten().map(|(_, us)| *us);
    let lowest = values().fold(f64::INFINITY, f64::min);
    let highest = values().fold(1.0, f64::max);
    let mut chart = ChartBuilder::on(area)
        .margin(8)
        .margin_right(104)
        .x_label_area_size(28)
        .y_label_area_size(56)
        .build_cartesian_2d(0.0..NINES, (lowest / 1.3..highest * 1.3).log_scale())?;
    mesh(&mut chart)?;
    for (one, line) in series.iter().zip(&lines) {
        let style = one.color.stroke_width(2);
        chart.draw_series(LineSeries::new(line.iter().copied(), style))?;
    }
    for (at, (one, line)) in series.iter().zip(&lines).enumerate() {
        markers(&mut chart, at, one.color, line)?;
    }
    let ends = series.iter().zip(&lines);
    let ends = ends.filter_map(|(one, line)| Some((one, chart.backend_coord(line.last()?))));
    name_lines(area, &ends.collect::<Vec<_>>())
}

/// A percentile as its number of nines: 90 % is 1, 99 % is 2.
fn nines(percentile: f64) -> f64 {
    -(1.0 - percentile / 100.0).log10()
}

fn points(one: &Series<'_>) -> Vec<(f64, f64)> {
    let curve = one.entry.latency_curve.iter();
    let points = curve.map(|&(percentile, us)| (nines(percentile), us.max(1) as f64));
    points.filter(|(x, _)| (0.0..=NINES).contains(x)).collect()
}

fn mesh(chart: &mut Chart<'_, '_>) -> Drawn {
    let percent = |x: &f64| match x.round() as u32 {
        0 => "0 %".to_owned(),
        1 => "90 %".to_owned(),
        2 => "99 %".to_owned(),
        3 => "99.9 %".to_owned(),
        _ => "99.99 %".to_owned(),
    };
    chart
        .configure_mesh()
        .x_labels(5)
        .y_labels(6)
        .x_label_formatter(&percent)
        .y_label_formatter(&|us| units::micros(us.round() as u64))
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .axis_style(GRID)
        .label_style(text(12, MUTED))
        .draw()?;
    Ok(())
}

/// Marks the usual percentiles, in a shape of its own for each series.
fn markers(chart: &mut Chart<'_, '_>, at: usize, color: RGBColor, line: &[(f64, f64)]) -> Drawn {
    let told = [50.0, 90.0, 99.0, 99.9].map(nines);
    let points: Vec<_> = told.iter().filter_map(|&x| at_nines(line, x)).collect();
    for point in points {
        match at % 3 {
            0 => chart.draw_series([Circle::new(point, 4, color.filled())])?,
            1 => chart.draw_series([TriangleMarker::new(point, 6, color.filled())])?,
            _ => {
                chart
                    .draw_series([EmptyElement::at(point)
                        + Rectangle::new([(-4, -4), (4, 4)], color.filled())])?
            }
        };
    }
    Ok(())
}

fn at_nines(line: &[(f64, f64)], wanted: f64) -> Option<(f64, f64)> {
    line.iter()
        .copied()
        .find(|(x, _)| (x - wanted).abs() < 1e-6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_nine_is_one_step() {
        for (percentile, steps) in [(0.0, 0.0), (90.0, 1.0), (99.0, 2.0), (99.9, 3.0)] {
            assert!((nines(percentile) - steps).abs() < 1e-9, "{percentile}");
        }
    }
}
