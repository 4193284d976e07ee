//! Two environments by name, with what an application would notice.

use std::{collections::BTreeSet, fmt::Write};

use serde::Serialize;

use super::{Environ, notice::notice};

/// How a variable is on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Difference {
    /// Both have it, with the same value.
    Same,
    /// Both have it, with different values.
    Value,
    /// Only the first has it.
    OnlyA,
    /// Only the second has it.
    OnlyB,
}

/// One variable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// Its values on the first side; more than one where it is sent twice.
    pub a: Vec<String>,
    /// On the second.
    pub b: Vec<String>,
    /// How they compare.
    pub difference: Difference,
    /// What an application would notice, if it would.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notice: Option<String>,
}

/// Every variable of either side, by name; the body behind them.
pub fn compare(a: &Environ, b: &Environ) -> Vec<Row> {
    let names: BTreeSet<&str> = a
        .variables
        .iter()
        .chain(&b.variables)
        .map(|(name, _)| name.as_str())
        .collect();
    let of = |side: &Environ, name: &str| -> Vec<String> {
        let named = side.variables.iter().filter(|(known, _)| known == name);
        named.map(|(_, value)| value.clone()).collect()
    };
    let mut rows: Vec<Row> = names
        .into_iter()
        .map(|name| row(name, of(a, name), of(b, name), (a, b)))
        .collect();
    if let (Some(one), Some(other)) = (a.body, b.body) {
        rows.push(row(
            "(body, octets)",
            vec![one.to_string()],
            vec![other.to_string()],
            (a, b),
        ));
    }
    rows
}

fn row(name: &str, a: Vec<String>, b: Vec<String>, sides: (&Environ, &Environ)) -> Row {
    let difference = match (a.as_slice(), b.as_slice()) {
        (one, other) if one == other => Difference::Same,
        (_, []) => Difference::OnlyA,
        ([], _) => Difference::OnlyB,
        _ => Difference::Value,
    };
    let notice = match difference {
        Difference::Same => None,
        _ => notice(
            name,
            a.last().map(String::as_str),
            b.last().map(String::as_str),
            sides,
        ),
    };
    Row {
        name: name.to_owned(),
        a,
        b,
        difference,
        notice,
    }
}

/// The rows as text: what an application notices first, then the rest; equal ones with `all`.
pub fn text(a: &Environ, b: &Environ, rows: &[Row], all: bool) -> String {
    let (red, green, plain) = (
        anstyle::AnsiColor::Red.on_default(),
        anstyle::AnsiColor::Green.on_default(),
        anstyle::Reset,
    );
    let mut text = format!("A  {}\nB  {}\n\n", shown(&a.of), shown(&b.of));
    let differs = |row: &&Row| row.difference != Difference::Same;
    let (noticed, silent): (Vec<&Row>, Vec<&Row>) = rows
        .iter()
        .filter(differs)
        .partition(|row| row.notice.is_some());
    for row in &noticed {
        let _ = writeln!(text, "{}", row.name);
        let _ = writeln!(
            text,
            "  {red}A  {}{plain}\n  {green}B  {}{plain}",
            side(&row.a),
            side(&row.b)
        );
        let _ = writeln!(
            text,
            "  → {}",
            shown(row.notice.as_deref().unwrap_or_default())
        );
    }
    if !silent.is_empty() {
        let _ = writeln!(text, "\nalso different:");
    }
    for row in &silent {
        let _ = writeln!(
            text,
            "  {:<24} {red}{}{plain} | {green}{}{plain}",
            row.name,
            side(&row.a),
            side(&row.b)
        );
    }
    let same: Vec<&Row> = rows
        .iter()
        .filter(|row| row.difference == Difference::Same)
        .collect();
    if all && !same.is_empty() {
        let _ = writeln!(text, "\nthe same:");
        for row in &same {
            let _ = writeln!(text, "  {:<24} {}", row.name, side(&row.a));
        }
    }
    let _ = writeln!(
        text,
        "\n{} the same, {} different, of which an application would notice {}",
        same.len(),
        noticed.len() + silent.len(),
        noticed.len()
    );
    text
}

/// Values as they are, the absence of them in brackets.
fn side(values: &[String]) -> String {
    match values {
        [] => "(absent)".to_owned(),
        [one] if one.is_empty() => "(empty)".to_owned(),
        all => all
            .iter()
            .map(|it| shown(it))
            .collect::<Vec<_>>()
            .join("  and  "),
    }
}

fn shown(text: &str) -> String {
    text.chars()
        .flat_map(|c| match c.is_control() {
            true => c.escape_default().collect::<Vec<_>>(),
            false => vec![c],
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environ(of: &str, variables: &[(&str, &str)]) -> Environ {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Environ {
            of: of.to_owned(),
            variables: variables.iter().map(owned).collect(),
            body: Some(0),
        }
    }

    #[test]
    fn what_an_application_notices_stands_first_and_says_why() {
        let a = environ(
            "nginx:fastcgi",
            &[
                ("REQUEST_METHOD", "GET"),
                ("SCRIPT_NAME", "/a"),
                ("PATH_INFO", "/b c"),
                ("CONTENT_LENGTH", ""),
                ("X", "1"),
                ("X", "2"),
            ],
        );
        let b = environ(
            "caddy:fastcgi",
            &[
                ("REQUEST_METHOD", "GET"),
                ("SCRIPT_NAME", "/a"),
                ("PATH_INFO", "/b%20c"),
                ("CONTENT_LENGTH", "0"),
                ("Y", "\x1b[0m"),
            ],
        );
        let rows = compare(&a, &b);
        let text = anstream::adapter::strip_str(&text(&a, &b, &rows, true)).to_string();
        insta::assert_snapshot!(text);
    }

    #[test]
    fn equal_sides_have_nothing_to_tell() {
        let one = environ("x", &[("REQUEST_METHOD", "GET")]);
        let rows = compare(&one, &one);
        assert!(
            rows.iter()
                .all(|row| row.difference == Difference::Same && row.notice.is_none())
        );
    }
}
