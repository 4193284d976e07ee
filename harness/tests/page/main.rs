//! The page of a run in a real browser: it opens, its plots show something, in the dark, in print and
//! on a narrow screen.

#[path = "../demo/chromium.rs"]
#[expect(dead_code, reason = "the demo's tests press buttons, these do not")]
mod chromium;

use std::{fs, path::PathBuf};

use chromium::Browser;
use gatebench::report::{history, html, stored};
use serde_json::json;

/// The page of a measured sweep and one of its history, in a folder of their own.
fn pages(folder: &tempfile::TempDir) -> [PathBuf; 2] {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/sweep.json");
    let run = stored::load(file.as_ref()).unwrap();
    let report = html::render(&run, &|_| None, html::Beside::default()).unwrap();
    let mut later = run.clone();
    later.environment.started = "2027-01-01T00:00:00Z".to_owned();
    let runs = [run, later];
    let history = html::history::render(&history::history(&runs).unwrap()).unwrap();
    [("report.html", report), ("history.html", history)].map(|(name, page)| {
        let path = folder.path().join(name);
        fs::write(&path, page).unwrap();
        path
    })
}

/// Opens each page in a window of this width; says so and does nothing where no browser is.
fn on_each(width: u32, look: impl Fn(&mut Browser, &str)) {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut browser) = Browser::start(width, 900) else {
        eprintln!("skipped: no chromium here");
        return;
    };
    for page in pages(&folder) {
        let name = page.file_stem().unwrap().to_string_lossy().into_owned();
        browser.go(&format!("file://{}", page.display()));
        browser.until(&format!(
            "document.readyState === 'complete' && location.pathname.endsWith('{name}.html')"
        ));
        look(&mut browser, &name);
        assert_eq!(browser.complaints(), [""; 0], "{name}");
    }
}

/// How many plots there are, and how many have no line or bar in view in a colour other than the
/// background's.
const PLOTS: &str = "(() => {
  const card = getComputedStyle(document.querySelector('.contest')).backgroundColor;
  const shows = svg => [...svg.querySelectorAll('polyline, circle, rect')].some(mark => {
    const box = mark.getBoundingClientRect(), style = getComputedStyle(mark);
    const ink = style.fill === 'none' ? style.stroke : style.fill;
    const named = (mark.getAttribute('fill') + mark.getAttribute('stroke')).match(/--(series|cpu)-/);
    return named && box.width + box.height > 1 && ink !== card && ink !== 'none' && ink !== 'rgb(0, 0, 0)';
  });
  const plots = [...document.querySelectorAll('figure svg')];
  return { all: plots.length, blank: plots.filter(svg => !shows(svg)).length };
})()";

fn every_plot_shows_something(browser: &mut Browser, name: &str) {
    let plots = browser.value(PLOTS);
    assert!(plots["all"].as_u64().unwrap() >= 2, "{name}: {plots}");
    assert_eq!(plots["blank"], 0, "{name}: {plots}");
}

/// The page's background and its text.
fn colours(browser: &mut Browser) -> [String; 2] {
    let style = "getComputedStyle(document.body)";
    ["backgroundColor", "color"].map(|which| {
        let value = browser.value(&format!("{style}.{which}"));
        value.as_str().unwrap().to_owned()
    })
}

#[test]
fn every_plot_shows_something_in_light_in_dark_and_in_print() {
    on_each(1200, |browser, name| {
        every_plot_shows_something(browser, name);
        picture(browser, name, "light");
        let light = colours(browser);
        let dark = json!({ "features": [{ "name": "prefers-color-scheme", "value": "dark" }] });
        browser.call("Emulation.setEmulatedMedia", dark);
        assert_ne!(colours(browser), light, "{name} does not turn dark");
        every_plot_shows_something(browser, name);
        picture(browser, name, "dark");
        let print = json!({ "media": "print", "features": [] });
        browser.call("Emulation.setEmulatedMedia", print);
        assert_eq!(colours(browser)[0], "rgb(255, 255, 255)", "{name} in print");
        every_plot_shows_something(browser, name);
        browser.call(
            "Emulation.setEmulatedMedia",
            json!({ "media": "", "features": [] }),
        );
    });
}

#[test]
fn a_narrow_screen_scrolls_down_and_not_sideways() {
    on_each(390, |browser, name| {
        let widths = browser.value("[document.documentElement.scrollWidth, innerWidth]");
        assert_eq!(widths, json!([390, 390]), "{name} is wider than the screen");
        every_plot_shows_something(browser, name);
        picture(browser, name, "narrow");
    });
}

/// How far the widest table of figures reaches beyond its box, and that box beyond the page.
const BEYOND: &str = "(() => {
  const boxes = [...document.querySelectorAll('.scroll:has(.numbers)')];
  const right = element => element.getBoundingClientRect().right;
  const most = of => Math.ceil(Math.max(0, ...boxes.map(of)));
  return {
    tables: boxes.length,
    table: most(box => right(box.querySelector('table')) - right(box)),
    box: most(box => right(box) - innerWidth),
    hidden: boxes.filter(box => getComputedStyle(box).overflowX !== 'auto').length,
  };
})()";

#[test]
fn every_column_of_the_figures_is_in_view_at_1200_pixels_and_in_print() {
    on_each(1200, |browser, name| {
        if name != "report" {
            return;
        }
        let seen = browser.value(BEYOND);
        assert!(seen["tables"].as_u64().unwrap() > 0, "{seen}");
        assert_eq!([&seen["table"], &seen["box"]], [0, 0], "{seen}");
        // A sheet of A4 between margins of 1 cm.
        let sheet =
            json!({ "width": 718, "height": 1047, "deviceScaleFactor": 1, "mobile": false });
        browser.call("Emulation.setDeviceMetricsOverride", sheet);
        browser.call("Emulation.setEmulatedMedia", json!({ "media": "print" }));
        let printed = browser.value(BEYOND);
        assert_eq!([&printed["table"], &printed["box"]], [0, 0], "{printed}");
    });
}

#[test]
fn figures_that_do_not_fit_a_narrow_screen_scroll_within_their_box() {
    on_each(390, |browser, name| {
        if name != "report" {
            return;
        }
        let seen = browser.value(BEYOND);
        assert!(
            seen["table"].as_u64().unwrap() > 0,
            "nothing to scroll: {seen}"
        );
        assert_eq!([&seen["box"], &seen["hidden"]], [0, 0], "{seen}");
    });
}

/// Left where one can look at it: no test tells whether a page is beautiful.
fn picture(browser: &mut Browser, name: &str, how: &str) {
    let file = format!("{}/{name}-{how}.png", env!("CARGO_TARGET_TMPDIR"));
    browser.picture(file.as_ref());
}
