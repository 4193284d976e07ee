//! The option table as the manual shows it.

use std::fmt::Write;

use super::opt::{Opt, Takes, Topic};
use super::table;

/// All options in Markdown, one table a topic.
pub fn manual() -> String {
    let mut text = String::new();
    for topic in Topic::ALL.iter().copied() {
        write!(
            text,
            "### {}\n\n| option | meaning |\n|---|---|\n",
            topic.heading()
        )
        .expect("writing to memory cannot fail");
        for opt in table::all().filter(|opt| opt.topic == topic) {
            text.push_str(&row(opt));
        }
        text.push('\n');
    }
    text
}

fn row(opt: &Opt) -> String {
    let value = match opt.takes {
        Takes::Flag => String::new(),
        Takes::One(value) | Takes::Many(value) => format!(" {value}"),
        Takes::Maybe { value, .. } => format!("[={value}]"),
    };
    let repeatable = match opt.takes {
        Takes::Many(_) => ". May be repeated",
        _ => "",
    };
    let names: String = opt
        .short
        .map(|letter| format!(", `-{letter}`"))
        .into_iter()
        .chain(opt.aliases.iter().map(|alias| format!(", `--{alias}`")))
        .collect();
    let meaning = opt.help.replace('|', "\\|");
    format!(
        "| `--{}{value}`{names} | {meaning}{repeatable}. |\n",
        opt.name
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_all_names_and_the_value() {
        let socket = row(table::find("socket").unwrap());
        assert!(
            socket.starts_with("| `--socket ADDR`, `-s` | Listen on ADDR"),
            "{socket}"
        );
        assert!(socket.ends_with(". May be repeated. |\n"), "{socket}");
        let mode = row(table::find("chmod-socket").unwrap());
        assert!(
            mode.starts_with("| `--chmod-socket[=MODE]`, `-C`, `--chmod` |"),
            "{mode}"
        );
    }
}
