//! Values that are lists of `key=value`, as uWSGI's `…2` options take them.

/// The pairs of `a=1,b="x,y"`; a quoted or backslashed comma belongs to its value, and a key
/// without `=` has an empty one. `None` if a key is none of `known`.
pub(super) fn read(text: &str, known: &[&str]) -> Option<Vec<(String, String)>> {
    let pair = |piece: String| {
        let (key, value) = piece.split_once('=').unwrap_or((&piece, ""));
        let key = key.trim();
        known
            .contains(&key)
            .then(|| (key.to_owned(), value.to_owned()))
    };
    split(text).into_iter().map(pair).collect()
}

fn split(text: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let (mut quoted, mut escaped) = (false, false);
    for character in text.chars() {
        let last = pieces.len() - 1;
        match character {
            _ if escaped => {
                pieces[last].push(character);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            ',' if !quoted => pieces.push(String::new()),
            other => pieces[last].push(other),
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_comma_belongs_to_its_value() {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(
            read(
                r#"cmd="redis --save 1,2",freq=3,control"#,
                &["cmd", "freq", "control"]
            ),
            Some(vec![
                pair("cmd", "redis --save 1,2"),
                pair("freq", "3"),
                pair("control", "")
            ])
        );
    }

    #[test]
    fn only_the_first_equals_sign_splits() {
        let read = read("cmd=run --x=y", &["cmd"]).unwrap();
        assert_eq!(read[0].1, "run --x=y");
    }

    #[test]
    fn an_unknown_key_makes_it_none() {
        assert_eq!(read("cmd=x,frequency=3", &["cmd", "freq"]), None);
    }
}
