//! TOML: the table `[uwsgi]`. An array is the same option several times.

use toml::de::{DeTable, DeValue};

use super::{Entry, Trouble, line_at};

pub(super) fn parse(text: &str, section: &str) -> Result<Vec<Entry>, Trouble> {
    let document = DeTable::parse(text).map_err(|error| Trouble {
        line: line_at(text, error.span().map_or(0, |span| span.start)),
        what: error.message().to_owned(),
    })?;
    let mut entries = Vec::new();
    if let Some(DeValue::Table(table)) =
        document.get_ref().get(section).map(|found| found.get_ref())
    {
        for (key, value) in table {
            let line = line_at(text, key.span().start);
            add(key.get_ref(), value.get_ref(), line, &mut entries)?;
        }
    }
    // A table has no order of its own, but options have.
    entries.sort_by_key(|entry| entry.line);
    Ok(entries)
}

fn add(
    key: &str,
    value: &DeValue<'_>,
    line: usize,
    entries: &mut Vec<Entry>,
) -> Result<(), Trouble> {
    let text = match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(yes) => yes.to_string(),
        DeValue::Datetime(time) => time.to_string(),
        DeValue::Array(values) => {
            return values
                .iter()
                .try_for_each(|value| add(key, value.get_ref(), line, entries));
        }
        DeValue::Table(_) => {
            return Err(Trouble {
                line,
                what: format!("`{key}` is a table; an option takes a value, or an array of values"),
            });
        }
    };
    entries.push(Entry {
        key: key.to_owned(),
        value: text,
        line,
        quoted: false,
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_a_section_and_an_array_repeats() {
        let text =
            "[uwsgi]\nsocket = [':1', ':2']\nmaster = true\nprocesses = 4\n\n[other]\nx = 1\n";
        let entries = parse(text, "uwsgi").unwrap();
        let read: Vec<_> = entries
            .iter()
            .map(|entry| (entry.key.as_str(), entry.value.as_str(), entry.line))
            .collect();
        assert_eq!(
            read,
            [
                ("socket", ":1", 2),
                ("socket", ":2", 2),
                ("master", "true", 3),
                ("processes", "4", 4)
            ]
        );
    }

    #[test]
    fn trouble_has_its_line() {
        assert_eq!(parse("[uwsgi]\na = \n", "uwsgi").unwrap_err().line, 2);
        let table = parse("[uwsgi]\na = { b = 1 }\n", "uwsgi").unwrap_err();
        assert!(table.what.contains("`a` is a table"), "{}", table.what);
    }
}
