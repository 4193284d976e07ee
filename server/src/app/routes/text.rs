//! Texts of rules with variables of the request and groups of the pattern put in.

use std::borrow::Cow;

use wire::environ::Environ;

/// A variable of the request as text, empty if there is none.
pub(super) fn variable<'e>(environ: &'e Environ, name: &str) -> Cow<'e, str> {
    String::from_utf8_lossy(environ.get(name).map_or(&b""[..], AsRef::as_ref))
}

/// Puts in `${VARIABLE}` and `$0` to `$9`; what is not there is empty. Any other dollar stays.
pub(super) fn filled(text: &str, groups: &[String], environ: &Environ) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        filled.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let digit = rest.chars().next().and_then(|first| first.to_digit(10));
        let braced = rest
            .strip_prefix('{')
            .and_then(|inner| inner.split_once('}'));
        if let Some(digit) = digit {
            filled.push_str(groups.get(digit as usize).map_or("", String::as_str));
            rest = &rest[1..];
        } else if let Some((name, behind)) = braced {
            filled.push_str(&variable(environ, name));
            rest = behind;
        } else {
            filled.push('$');
        }
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_and_groups_are_put_in() {
        let mut environ = Environ::new();
        environ.push("HTTP_HOST", "example.org");
        let groups = ["/a/b".to_owned(), "b".to_owned()];
        let filled = |text| filled(text, &groups, &environ);
        assert_eq!(
            filled("https://${HTTP_HOST}/$1?$0"),
            "https://example.org/b?/a/b"
        );
        assert_eq!(filled("${NONE}$9|$x ${open $"), "|$x ${open $");
    }
}
