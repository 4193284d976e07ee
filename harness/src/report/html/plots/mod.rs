//! Plots as inline SVG that takes its colours from the page, so that they fit both themes.

mod bars;
mod latency;
mod sweep;
mod timeline;
mod trend;

use plotters::{
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};
use serde::Serialize;

use crate::{
    model::Model,
    report::{contest::Contest, history, sweep::Sweep},
    results::Throughput,
};

/// Colours that stand for the page's own: each is replaced by a CSS variable of its name.
const STAND_INS: [(RGBColor, &str); 13] = [
    (TEXT, "--text"),
    (MUTED, "--muted"),
    (GRID, "--line"),
    (SERIES[0], "--series-cgi"),
    (SERIES[1], "--series-cgi-warm"),
    (SERIES[2], "--series-fastcgi"),
    (SERIES[3], "--series-uwsgi"),
    (SERIES[4], "--series-scgi"),
    (SERIES[5], "--series-http"),
    (SERIES[6], "--series-other"),
    (CPU[0], "--cpu-gateway"),
    (CPU[1], "--cpu-backend"),
    (CPU[2], "--cpu-load"),
];

const TEXT: RGBColor = RGBColor(1, 0, 1);
const MUTED: RGBColor = RGBColor(1, 0, 2);
const GRID: RGBColor = RGBColor(1, 0, 3);
const SERIES: [RGBColor; 7] = [
    RGBColor(2, 0, 1),
    RGBColor(2, 0, 2),
    RGBColor(2, 0, 3),
    RGBColor(2, 0, 4),
    RGBColor(2, 0, 5),
    RGBColor(2, 0, 6),
    RGBColor(2, 0, 7),
];
const CPU: [RGBColor; 3] = [RGBColor(3, 0, 1), RGBColor(3, 0, 2), RGBColor(3, 0, 3)];

/// Width of every plot in its own units; the page scales it.
const WIDTH: u32 = 600;

/// A plot that could not be drawn. The drawing code is at fault, never the run.
#[derive(Debug, thiserror::Error)]
#[error("plot `{plot}` cannot be drawn: {reason}")]
pub struct PlotError {
    plot: &'static str,
    reason: String,
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type Drawn = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// One picture of a contest.
#[derive(Debug, Serialize)]
pub(super) struct Plot {
    title: &'static str,
    about: &'static str,
    /// What the colours mean where no name stands beside them: CSS class and name.
    key: &'static [(&'static str, &'static str)],
    svg: String,
}

/// Everything that is worth drawing of one contest.
pub(super) fn of(contest: &Contest<'_>) -> Result<Vec<Plot>, PlotError> {
    let series = series(contest);
    let bar_height = bars::height(series.len());
    let mut plots = vec![
        Plot {
            title: "Requests per second",
            about: "Answered as expected; more is better.",
            key: &[],
            svg: svg("rates", bar_height, |area| bars::rates(area, &series))?,
        },
        Plot {
            title: "CPU time per request",
            about: "Less is better.",
            key: &[
                ("gateway", "gateway"),
                ("backend", "backend"),
                ("load", "load"),
            ],
            svg: svg("cpu", bar_height, |area| bars::cpu(area, &series))?,
        },
    ];
    if series.iter().any(|one| !one.entry.latency_curve.is_empty()) {
        plots.push(Plot {
            title: "Latency by percentile",
            about: "Both axes logarithmic: a step right is ten times rarer.",
            key: &[],
            svg: svg("latency", 320, |area| latency::draw(area, &series))?,
        });
    }
    if series.iter().any(|one| one.entry.rps_by_second.len() > 1) {
        plots.push(Plot {
            title: "Requests in each second",
            about: "A level line is a run to trust.",
            key: &[],
            svg: svg("timeline", 320, |area| timeline::draw(area, &series))?,
        });
    }
    Ok(plots)
}

/// What a sweep looks like: rate and slow requests over the connections.
pub(super) fn of_sweep(sweep: &Sweep<'_>) -> Result<Vec<Plot>, PlotError> {
    let drawn = |axis| svg("sweep", 320, |area| sweep::draw(area, sweep, axis));
    Ok(vec![
        Plot {
            title: "Requests per second over connections",
            about: "Each tick doubles them; where a line bends, the machine is full.",
            key: &[],
            svg: drawn(&sweep::RATE)?,
        },
        Plot {
            title: "p99 over connections",
            about: "One request in a hundred takes longer; behind the bend more connections only wait.",
            key: &[],
            svg: drawn(&sweep::P99)?,
        },
    ])
}

/// A ratio from run to run.
pub(super) fn of_history(line: &history::Line, runs: usize) -> Result<String, PlotError> {
    svg("trend", 240, |area| trend::draw(area, line, runs))
}

/// A measurement with its name and colour.
struct Series<'a> {
    label: String,
    color: RGBColor,
    /// Its rate as a multiple of the first one's.
    ratio: f64,
    entry: &'a Throughput,
}

/// A model has the same colour in every plot, unless two entries share the model.
fn series<'a>(contest: &Contest<'a>) -> Vec<Series<'a>> {
    let mut models: Vec<_> = contest.entries.iter().map(|entry| entry.model).collect();
    models.dedup();
    let unique = models.len() == contest.entries.len();
    let color = |at: usize, model: Option<Model>| match unique {
        true => color_of(model),
        false => SERIES[at % SERIES.len()],
    };
    let entries = contest.entries.iter().enumerate();
    entries
        .map(|(at, &entry)| Series {
            label: contest.label(entry),
            color: color(at, entry.model),
            ratio: contest.ratio(entry).value,
            entry,
        })
        .collect()
}

/// The colour that a model has on the whole page.
fn color_of(model: Option<Model>) -> RGBColor {
    let known = Model::ALL.iter().position(|known| Some(*known) == model);
    SERIES[known.unwrap_or(SERIES.len() - 1)]
}

fn svg(
    plot: &'static str,
    height: u32,
    draw: impl FnOnce(&Area<'_>) -> Drawn,
) -> Result<String, PlotError> {
    let failed = |reason: String| PlotError { plot, reason };
    let mut out = String::new();
    {
        let area = SVGBackend::with_string(&mut out, (WIDTH, height)).into_drawing_area();
        draw(&area).map_err(|error| failed(error.to_string()))?;
        area.present().map_err(|error| failed(error.to_string()))?;
    }
    Ok(themed(&out))
}

/// Puts the page's colours and font in; the size comes from the `viewBox` alone.
fn themed(svg: &str) -> String {
    let mut out = svg.replace("font-family=\"sans-serif\" ", "");
    if let Some((_, rest)) = out.split_once("viewBox=") {
        out = format!("<svg role=\"img\" viewBox={rest}");
    }
    for (RGBColor(r, g, b), variable) in STAND_INS {
        let stand_in = format!("\"#{r:02X}{g:02X}{b:02X}\"");
        out = out.replace(&stand_in, &format!("\"var({variable})\""));
    }
    out
}

fn text(size: u32, color: RGBColor) -> TextStyle<'static> {
    // The SVG backend divides sizes by 1.24.
    let size = f64::from(size) * 1.24;
    ("sans-serif", size).into_font().color(&color)
}

/// About how wide the longest of some labels is: the drawing knows no font, the page chooses it.
fn label_room<'a>(labels: impl Iterator<Item = &'a str>, size: u32) -> i32 {
    let longest = labels.map(|label| label.chars().count()).max().unwrap_or(0);
    // A letter of a sans-serif font is about half as wide as it is high; wide fonts need more.
    let width = longest as f64 * f64::from(size) * 0.56;
    width.min(f64::from(WIDTH) * 0.4).ceil() as i32
}

/// Room for the names right of lines, each with its square.
fn line_room(series: &[Series<'_>]) -> i32 {
    let names = label_room(series.iter().map(|one| one.label.as_str()), 12);
    (names + 28).max(104)
}

/// Names lines at their right ends, which are given in pixels.
fn name_lines(area: &Area<'_>, ends: &[(&str, RGBColor, (i32, i32))]) -> Drawn {
    let wanted: Vec<_> = ends.iter().map(|(_, _, (_, y))| *y).collect();
    for ((label, color, (x, _)), y) in ends.iter().zip(spread(&wanted, 15)) {
        let style = text(12, TEXT).pos(Pos::new(HPos::Left, VPos::Center));
        let square = [(x + 8, y - 4), (x + 16, y + 4)];
        area.draw(&Rectangle::new(square, color.filled()))?;
        area.draw_text(label, &style, (x + 20, y))?;
    }
    Ok(())
}

/// Spreads label positions so that none stands on another, keeping their order.
fn spread(wanted: &[i32], distance: i32) -> Vec<i32> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by_key(|&at| wanted[at]);
    let mut placed = wanted.to_vec();
    let mut free = i32::MIN;
    for at in order {
        placed[at] = placed[at].max(free);
        free = placed[at] + distance;
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_would_touch_are_moved_apart_in_order() {
        assert_eq!(spread(&[50, 10, 52], 14), [50, 10, 64]);
    }

    #[test]
    fn a_long_name_has_the_room_it_needs_but_leaves_most_to_the_plot() {
        let room = |label| label_room([label, "a"].into_iter(), 13);
        assert!(room("cgi via fastcgi gateserve:cgi") > room("fastcgi"));
        assert_eq!(room(&"x".repeat(500)), 240);
    }

    #[test]
    fn a_plot_takes_every_colour_from_the_page() {
        let svg = svg("test", 100, |area| {
            for (color, _) in STAND_INS {
                area.draw(&Circle::new((5, 5), 2, color.filled()))?;
            }
            area.draw_text("a<b", &text(12, TEXT), (1, 1))?;
            Ok(())
        });
        let svg = svg.unwrap();
        assert!(!svg.contains("\"#"), "{svg}");
        assert!(svg.contains("var(--series-uwsgi)") && svg.contains("a&lt;b"));
    }
}
