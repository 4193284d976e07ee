//! One self-contained page: the matrix, every failure with its bytes, the plots.

mod data;
pub mod history;
mod lists;
mod page;
mod plots;
mod rates;
mod steps;

use minijinja::{Environment, UndefinedBehavior, syntax::SyntaxConfig, value::Serde};

use crate::results::Results;
use page::Page;
use plots::PlotError;

/// The page could not be made: the bench's own fault.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// A template does not fit what it is given.
    #[error("page template: {0:#}")]
    Template(#[from] minijinja::Error),
    /// The data of the script cannot be written as JSON.
    #[error("page data: {0}")]
    Data(#[from] serde_json::Error),
    /// A plot could not be drawn.
    #[error(transparent)]
    Plot(#[from] PlotError),
}

/// What a page may tell beside the run itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Beside<'a> {
    /// An earlier run, to tell what changed since.
    pub old: Option<&'a Results>,
}

/// Every template, by the name that others include it with. Those that end in `.html` escape
/// whatever they are given.
const TEMPLATES: [(&str, &str); 11] = [
    ("history.html", include_str!("../templates/history.html")),
    ("page.html", include_str!("../templates/page.html")),
    ("matrix.html", include_str!("../templates/matrix.html")),
    ("glance.html", include_str!("../templates/glance.html")),
    ("findings.html", include_str!("../templates/findings.html")),
    (
        "differences.html",
        include_str!("../templates/differences.html"),
    ),
    ("choices.html", include_str!("../templates/choices.html")),
    (
        "throughput.html",
        include_str!("../templates/throughput.html"),
    ),
    ("steps.html", include_str!("../templates/steps.html")),
    ("style.css", include_str!("../templates/style.css")),
    ("page.js", include_str!("../templates/page.js")),
];

/// Renders the page. `transcripts` gives the text of a wire transcript by its path in the
/// results, or `None` where it was not kept; `beside` is what else the page tells.
///
/// # Errors
/// When a template or a plot is broken, which the tests rule out for results of this version.
pub fn render(
    results: &Results,
    transcripts: &dyn Fn(&str) -> Option<String>,
    beside: Beside<'_>,
) -> Result<String, RenderError> {
    let page = Page::of(results, transcripts, beside)?;
    let templates = environment()?;
    Ok(templates.get_template("page.html")?.render(Serde(&page))?)
}

fn environment() -> Result<Environment<'static>, minijinja::Error> {
    let mut templates = Environment::new();
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build()?;
    templates.set_syntax(syntax);
    for (name, source) in TEMPLATES {
        templates.add_template(name, source)?;
    }
    Ok(templates)
}
