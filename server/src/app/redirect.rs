//! Local redirects: an application answers with a path of this server (RFC 3875 section 6.2.2).

use std::rc::Rc;

use bytes::Bytes;
use futures_util::future::{FutureExt, LocalBoxFuture};
use wire::cgi::CgiHead;
use wire::environ::Environ;
use wire::request::{RequestError, Target};

use super::{App, AppError};
use crate::exchange::{Body, HttpFacts, Protocol, Reply, Request};

/// The most local redirects that one request may take; the RFC sets no bound, and two scripts that
/// point at each other would never end.
pub(crate) const MOST: usize = 10;

/// What is to be answered in place of a request.
#[derive(Debug)]
pub struct Redirect {
    /// The request for the new path.
    pub request: Request,
    /// What goes to the gateway in front where no application here has the path: the redirect as
    /// the application sent it, which the gateway then follows. `None` where there is no gateway.
    pub otherwise: Option<CgiHead>,
}

/// Where a request came from, which its redirect keeps.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) protocol: Protocol,
    pub(crate) http: Option<HttpFacts>,
}

impl Origin {
    pub(crate) fn of(request: &Request) -> Self {
        Self {
            protocol: request.protocol,
            http: request.http.clone(),
        }
    }
}

impl Redirect {
    /// The redirect of a request with these meta-variables to `location`, a path with perhaps a
    /// query; `head` is the one that said so.
    ///
    /// The new request is a GET, or a HEAD if the old one was, and has no body, since that "may
    /// not be available".
    ///
    /// # Errors
    /// A path that cannot be decoded: the application's fault.
    pub(crate) fn new(
        mut environ: Environ,
        location: &Bytes,
        origin: Origin,
        head: CgiHead,
    ) -> Result<Self, RequestError> {
        let target = Target::parse(location)?;
        let path = target.decoded_path()?;
        for name in OF_THE_BODY.iter().chain(OF_THE_PATH) {
            environ.remove(name);
        }
        if environ
            .get("REQUEST_METHOD")
            .is_none_or(|method| method != "HEAD")
        {
            environ.set("REQUEST_METHOD", "GET");
        }
        environ.set("REQUEST_URI", location.clone());
        environ.set(
            "QUERY_STRING",
            location.slice_ref(target.query.unwrap_or_default()),
        );
        environ.set("SCRIPT_NAME", "");
        environ.set("PATH_INFO", path);
        let http = origin.http.map(|facts| HttpFacts {
            target: location.clone(),
            ..facts
        });
        let otherwise = http.is_none().then_some(head);
        let request = Request {
            environ,
            body: Body::empty(),
            protocol: origin.protocol,
            http,
        };
        Ok(Self { request, otherwise })
    }

    /// The path that is asked for, decoded.
    pub(crate) fn path(&self) -> Bytes {
        self.request
            .environ
            .get("PATH_INFO")
            .cloned()
            .unwrap_or_default()
    }
}

/// Asks by `once`, and again as long as the reply is a redirect to a path that is there, as `has`
/// says (CGI-6.2.2-LOCAL-REDIR).
///
/// # Errors
/// 500 past [`MOST`] redirects; those of `once`.
pub(crate) async fn follow(
    once: impl AsyncFn(Request, &mut Reply) -> Result<(), AppError>,
    has: impl Fn(&Bytes) -> bool,
    mut request: Request,
    reply: &mut Reply,
) -> Result<(), AppError> {
    let mut last = Bytes::new();
    for _ in 0..=MOST {
        once(request, reply).await?;
        let Some(redirect) = reply.take_redirect() else {
            return Ok(());
        };
        last = redirect.path();
        match redirect.otherwise {
            Some(head) if !has(&last) => return Ok(reply.head(head).await?),
            _ => request = redirect.request,
        }
    }
    let path = last.escape_ascii();
    let log = format!("application redirects for ever, the last time to {path}");
    Err(AppError::new(500, log))
}

/// Follows the redirects of the application behind it.
///
/// It stands before rules and static files, so that a path which an application redirects to is
/// judged as one that a client asks for: a script in the open leads nobody past a password
/// (CGI-3.1-AUTH-FIRST).
pub(crate) struct FollowApp {
    next: Rc<dyn App>,
}

impl FollowApp {
    /// In front of `next`, which leaves redirects to it.
    pub(crate) fn new(next: Rc<dyn App>) -> Self {
        Self { next }
    }
}

impl App for FollowApp {
    fn serve<'a>(
        &'a self,
        request: Request,
        reply: &'a mut Reply,
    ) -> LocalBoxFuture<'a, Result<(), AppError>> {
        let once = async |request, reply: &mut Reply| self.next.serve(request, reply).await;
        follow(once, |path| self.next.has(path), request, reply).boxed_local()
    }

    fn has(&self, path: &Bytes) -> bool {
        self.next.has(path)
    }
}

/// What told of a body that the new request does not have.
const OF_THE_BODY: &[&str] = &[
    "CONTENT_LENGTH",
    "CONTENT_TYPE",
    "HTTP_CONTENT_LENGTH",
    "HTTP_CONTENT_TYPE",
    "HTTP_TRANSFER_ENCODING",
    "HTTP_EXPECT",
];

/// What told where the old path leads.
const OF_THE_PATH: &[&str] = &["SCRIPT_FILENAME", "PATH_TRANSLATED", "DOCUMENT_URI"];

#[cfg(test)]
mod tests {
    use wire::http::Version;

    use super::*;

    fn environ(method: &'static str) -> Environ {
        let mut environ = Environ::new();
        for (name, value) in [
            ("REQUEST_METHOD", method),
            ("REQUEST_URI", "/old?x"),
            ("QUERY_STRING", "x"),
            ("SCRIPT_NAME", "/old"),
            ("SCRIPT_FILENAME", "/srv/old"),
            ("CONTENT_LENGTH", "5"),
            ("HTTP_ACCEPT", "*/*"),
        ] {
            environ.push(name, value);
        }
        environ
    }

    fn redirect(method: &'static str, location: &'static str) -> Result<Redirect, RequestError> {
        let origin = Origin {
            protocol: Protocol::FastCgi,
            http: None,
        };
        Redirect::new(
            environ(method),
            &location.into(),
            origin,
            CgiHead::default(),
        )
    }

    #[test]
    fn the_new_request_is_a_get_of_the_new_path_without_a_body() {
        let redirect = redirect("POST", "/new%20path/x?a=%41").unwrap();
        let mut expected = Environ::new();
        for (name, value) in [
            ("REQUEST_METHOD", "GET"),
            ("REQUEST_URI", "/new%20path/x?a=%41"),
            ("QUERY_STRING", "a=%41"),
            ("SCRIPT_NAME", ""),
            ("HTTP_ACCEPT", "*/*"),
            ("PATH_INFO", "/new path/x"),
        ] {
            expected.push(name, value);
        }
        assert_eq!(redirect.request.environ, expected);
        assert_eq!(redirect.request.body.length(), Some(0));
    }

    #[test]
    fn head_stays_head() {
        let redirect = redirect("HEAD", "/new").unwrap();
        assert_eq!(
            redirect.request.environ.text("REQUEST_METHOD"),
            Some("HEAD")
        );
        assert_eq!(redirect.request.environ.text("QUERY_STRING"), Some(""));
    }

    #[test]
    fn only_a_gateway_gets_the_redirect_instead() {
        assert!(redirect("GET", "/new").unwrap().otherwise.is_some());
        let http = Some(HttpFacts {
            target: "/old".into(),
            version: Version::Http11,
        });
        let origin = Origin {
            protocol: Protocol::Http,
            http,
        };
        let redirect = Redirect::new(environ("GET"), &"/new".into(), origin, CgiHead::default());
        let redirect = redirect.unwrap();
        assert!(redirect.otherwise.is_none());
        assert_eq!(redirect.request.http.unwrap().target, "/new");
    }

    #[test]
    fn a_path_that_climbs_or_cannot_be_decoded_is_refused() {
        for location in ["/../x", "/%zz", "/a%00"] {
            assert!(redirect("GET", location).is_err(), "{location}");
        }
    }
}
