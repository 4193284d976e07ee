//! What a script's response head comes to before it goes on, to a client or a gateway.

use wire::cgi::{CgiError, CgiHead};
use wire::http::Version;

/// The head without what a script may not say: fields of one connection (CGI-6.3.4-STRIP), CGI
/// fields without a value (CGI-6.3-EMPTY-ABSENT), a length for status 204 (DF-RESP-204-304). A
/// gateway in front would pass them on.
///
/// # Errors
/// What cannot be the head of a final response.
pub(super) fn cleaned(head: CgiHead) -> Result<CgiHead, CgiError> {
    let response = head.to_response(Version::Http11)?;
    let mut fields = response.headers;
    if response.status == 204 {
        fields.retain(|field| !field.is("content-length"));
    }
    Ok(CgiHead {
        status: head.status,
        fields,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_the_connection_and_without_value_are_left_out() {
        let head = CgiHead::default()
            .with("Location", "")
            .with("Content-Type", "a/b")
            .with("X-Empty", "")
            .with("Transfer-Encoding", "chunked")
            .with("Connection", "close");
        let expected = CgiHead::default()
            .with("Content-Type", "a/b")
            .with("X-Empty", "");
        assert_eq!(cleaned(head), Ok(expected));
    }

    #[test]
    fn no_content_has_no_length() {
        let with_length = |status| CgiHead::new(status).with("Content-Length", "6");
        assert_eq!(cleaned(with_length(204)), Ok(CgiHead::new(204)));
        assert_eq!(cleaned(with_length(304)), Ok(with_length(304)));
    }

    #[test]
    fn an_interim_status_or_a_bad_length_is_refused() {
        assert_eq!(cleaned(CgiHead::new(103)), Err(CgiError::Interim(103)));
        assert!(cleaned(CgiHead::new(200).with("Content-Length", "six")).is_err());
    }
}
