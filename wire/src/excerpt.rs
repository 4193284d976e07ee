//! Evidence for error messages: a short, printable piece of what came.

/// Bytes of evidence that a message shows.
const SHOWN: usize = 60;

/// The first bytes of `bytes`, escaped, with dots where more followed.
pub(crate) fn excerpt(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(SHOWN)];
    let dots = if bytes.len() > SHOWN { "..." } else { "" };
    format!("\"{}{dots}\"", shown.escape_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_is_escaped_and_cut() {
        assert_eq!(excerpt(b"a\r\n\xff"), r#""a\r\n\xff""#);
        assert_eq!(excerpt(&[b'x'; 61]), format!("\"{}...\"", "x".repeat(60)));
    }
}
