//! The command line of an "indexed" query (RFC 3875 section 4.4).

use wire::http::percent_decode;

/// The search words of a GET or HEAD whose query holds no unencoded `=`; none in every other case.
///
/// It is all words or none (CGI-4.4-ARGV-ALL): a word that holds a NUL, or words beyond
/// [`MAX_WORDS`] and [`MAX_BYTES`], leave the command line empty.
pub(super) fn words(method: &[u8], query: &[u8]) -> Vec<Vec<u8>> {
    // CGI-4.4-ARGV-METHOD, CGI-4.4-ARGV-EQ
    let indexed = matches!(method, b"GET" | b"HEAD") && !query.is_empty() && !query.contains(&b'=');
    if !indexed || query.len() > MAX_BYTES {
        return Vec::new();
    }
    let words = query.split(|&byte| byte == b'+');
    let words: Vec<_> = words
        .map(percent_decode)
        .map(|word| escaped(&word))
        .collect();
    if words.len() > MAX_WORDS || words.iter().any(|word| word.contains(&0)) {
        return Vec::new();
    }
    words
}

/// The longest query that becomes a command line, well below what `exec` takes.
const MAX_BYTES: usize = 32 * 1024;

/// The most words that become a command line.
const MAX_WORDS: usize = 4096;

/// CGI-4.4-ARGV-SHELL: a backslash before whatever a Bourne shell would act on.
fn escaped(word: &[u8]) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(word.len());
    for &byte in word {
        if ACTIVE.contains(&byte) {
            escaped.push(b'\\');
        }
        escaped.push(byte);
    }
    escaped
}

const ACTIVE: &[u8] = b" \t\n!\"#$&'()*;<>?[\\]^`{|}~";

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_words(query: &str, expected: &[&str]) {
        let expected: Vec<_> = expected
            .iter()
            .map(|word| word.as_bytes().to_vec())
            .collect();
        for method in [&b"GET"[..], b"HEAD"] {
            assert_eq!(words(method, query.as_bytes()), expected, "{query}");
        }
    }

    #[test]
    fn search_words_are_split_and_decoded() {
        assert_words("foo+b%41r+%3D", &["foo", "bAr", "="]);
        assert_words("a++b", &["a", "", "b"]);
    }

    #[test]
    fn an_equals_sign_or_no_query_gives_no_words() {
        assert_words("a=b+c", &[]);
        assert_words("=", &[]);
        assert_words("", &[]);
    }

    #[test]
    fn other_methods_get_no_words() {
        assert!(words(b"POST", b"foo+bar").is_empty());
    }

    #[test]
    fn what_a_shell_would_act_on_is_escaped() {
        assert_words("a%3Bb+%24x+%60+b%20ar", &["a\\;b", "\\$x", "\\`", "b\\ ar"]);
    }

    #[test]
    fn it_is_all_words_or_none() {
        assert_words("a+b%00c", &[]);
        assert_words(&["w"; MAX_WORDS + 1].join("+"), &[]);
        assert_words(&"w".repeat(MAX_BYTES + 1), &[]);
        assert_eq!(
            words(b"GET", ["w"; MAX_WORDS].join("+").as_bytes()).len(),
            MAX_WORDS
        );
    }
}
