//! Picks the application by path.

use std::rc::Rc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::future::{FutureExt, LocalBoxFuture};
use wire::environ::Environ;

use super::limited::Limited;
use super::{App, AppError, plain, redirect};
use crate::exchange::{Reply, Request};

/// One application and the path prefix that it answers.
pub struct Mount {
    /// `/prefix` without a slash at its end; empty for the root.
    prefix: Bytes,
    app: Rc<dyn App>,
}

impl Mount {
    /// Mounts `app` at `prefix`; a slash at the end means nothing.
    pub fn new(prefix: &str, app: Rc<dyn App>) -> Self {
        let prefix = Bytes::copy_from_slice(prefix.trim_end_matches('/').as_bytes());
        Self { prefix, app }
    }

    /// The same, with a limit on the time of each request.
    pub(super) fn limited(self, limit: Option<Duration>) -> Self {
        Self {
            app: Limited::limit(self.app, limit),
            ..self
        }
    }

    /// Whether `path` is the prefix itself or lies below it.
    fn covers(&self, path: &[u8]) -> bool {
        path.strip_prefix(self.prefix.as_ref())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/") || self.prefix.is_empty())
    }
}

/// Hands each request to the mount with the longest prefix of its path, which is
/// `SCRIPT_NAME` and `PATH_INFO` joined; answers 404 where there is none.
///
/// A mount below the root gets `SCRIPT_NAME` set to its prefix and `PATH_INFO` to the rest. The
/// root mount gets both as they came: a gateway that split the path knows better.
pub struct Router {
    /// Longest prefix first.
    mounts: Vec<Mount>,
    /// Whether it answers local redirects itself.
    follows: bool,
}

impl Router {
    /// A router over `mounts`, in any order; of two equal prefixes the earlier wins.
    pub fn new(mut mounts: Vec<Mount>) -> Self {
        mounts.sort_by_key(|mount| std::cmp::Reverse(mount.prefix.len()));
        Self {
            mounts,
            follows: true,
        }
    }

    /// The same, but that redirects are left to whoever asks: rules stand before it, by which their
    /// paths are judged, too.
    pub(super) fn leaving_redirects(self) -> Self {
        Self {
            follows: false,
            ..self
        }
    }

    async fn answer(&self, request: Request, reply: &mut Reply) -> Result<(), AppError> {
        let once = async |request, reply: &mut Reply| self.once(request, reply).await;
        match self.follows {
            true => redirect::follow(once, |path| self.has(path), request, reply).await,
            false => self.once(request, reply).await,
        }
    }

    async fn once(&self, mut request: Request, reply: &mut Reply) -> Result<(), AppError> {
        match self.route(&mut request.environ) {
            Some(app) => app.serve(request, reply).await,
            None => Ok(plain(reply, 404).await?),
        }
    }

    fn route(&self, environ: &mut Environ) -> Option<&dyn App> {
        if let [Mount { prefix, app }] = self.mounts.as_slice()
            && prefix.is_empty()
        {
            return Some(app.as_ref());
        }
        let path = full_path(environ);
        let mount = self.mounts.iter().find(|mount| mount.covers(&path))?;
        if !mount.prefix.is_empty() {
            environ.set("SCRIPT_NAME", mount.prefix.clone());
            environ.set("PATH_INFO", path.slice(mount.prefix.len()..));
        }
        Some(mount.app.as_ref())
    }
}

/// `SCRIPT_NAME` and `PATH_INFO` joined.
pub(super) fn full_path(environ: &Environ) -> Bytes {
    let part = |name| environ.get(name).cloned().unwrap_or_default();
    let (script_name, path_info) = (part("SCRIPT_NAME"), part("PATH_INFO"));
    if script_name.is_empty() {
        return path_info;
    }
    let mut path = BytesMut::from(script_name.as_ref());
    path.extend_from_slice(&path_info);
    path.freeze()
}

impl App for Router {
    fn serve<'a>(
        &'a self,
        request: Request,
        reply: &'a mut Reply,
    ) -> LocalBoxFuture<'a, Result<(), AppError>> {
        self.answer(request, reply).boxed_local()
    }

    fn has(&self, path: &Bytes) -> bool {
        let mount = self.mounts.iter().find(|mount| mount.covers(path));
        mount.is_some_and(|mount| mount.app.has(&path.slice(mount.prefix.len()..)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::{Body, HttpFacts, Protocol, Recording};
    use wire::cgi::CgiHead;
    use wire::http::Version;

    /// Answers with its own name, `SCRIPT_NAME` and `PATH_INFO`.
    struct Named(&'static str);

    impl App for Named {
        fn serve<'a>(
            &'a self,
            request: Request,
            reply: &'a mut Reply,
        ) -> LocalBoxFuture<'a, Result<(), AppError>> {
            let text = |name| request.environ.text(name).unwrap_or("-");
            let seen = format!("{} {} {}", self.0, text("SCRIPT_NAME"), text("PATH_INFO"));
            async move {
                reply.head(Default::default()).await?;
                Ok(reply.body(seen.into()).await?)
            }
            .boxed_local()
        }
    }

    /// What the application saw, or the status where none was asked.
    async fn routed(mounts: &[&'static str], script_name: &str, path_info: &str) -> String {
        let named = |&prefix| Mount::new(prefix, Rc::new(Named(prefix)) as Rc<dyn App>);
        let router = Router::new(mounts.iter().map(named).collect());
        let mut environ = Environ::new();
        environ.push("SCRIPT_NAME", script_name.to_owned());
        environ.push("PATH_INFO", path_info.to_owned());
        let (mut reply, recording) = Reply::recorded();
        let request = Request {
            environ,
            body: Body::empty(),
            protocol: Protocol::Uwsgi,
            http: None,
        };
        router.serve(request, &mut reply).await.unwrap();
        String::from_utf8(recording.body()).unwrap()
    }

    #[tokio::test]
    async fn the_longest_prefix_wins() {
        assert_eq!(
            routed(&["/", "/a", "/a/b"], "", "/a/b/c").await,
            "/a/b /a/b /c"
        );
        assert_eq!(routed(&["/", "/a", "/a/b"], "", "/a/x").await, "/a /a /x");
    }

    #[tokio::test]
    async fn a_prefix_ends_at_a_slash() {
        assert_eq!(routed(&["/a"], "", "/ab").await, "404 Not Found\n");
        assert_eq!(routed(&["/a"], "", "/a").await, "/a /a ");
    }

    #[tokio::test]
    async fn the_root_keeps_the_split_of_the_gateway() {
        assert_eq!(routed(&["/"], "/probe", "/a").await, "/ /probe /a");
        assert_eq!(
            routed(&["/", "/cgi-bin"], "/probe", "/a").await,
            "/ /probe /a"
        );
    }

    #[tokio::test]
    async fn a_mount_splits_the_joined_path_anew() {
        assert_eq!(
            routed(&["/shop"], "/shop/cart", "/1").await,
            "/shop /shop /cart/1"
        );
    }

    #[tokio::test]
    async fn a_path_outside_all_mounts_is_not_found() {
        assert_eq!(routed(&["/a"], "", "/").await, "404 Not Found\n");
    }

    /// Redirects to the path that its query names; without a query it answers with its own path.
    struct Redirecting;

    impl App for Redirecting {
        fn serve<'a>(
            &'a self,
            request: Request,
            reply: &'a mut Reply,
        ) -> LocalBoxFuture<'a, Result<(), AppError>> {
            let part = |name: &str| request.environ.get(name).cloned().unwrap_or_default();
            let (path, to) = (full_path(&request.environ), part("QUERY_STRING"));
            let origin = redirect::Origin::of(&request);
            async move {
                if to.is_empty() {
                    reply.head(CgiHead::default()).await?;
                    return Ok(reply.body(path).await?);
                }
                let head = CgiHead::default().with("Location", to.clone());
                reply
                    .redirect(redirect::Redirect::new(request.environ, &to, origin, head).unwrap());
                Ok(())
            }
            .boxed_local()
        }

        fn has(&self, path: &Bytes) -> bool {
            path != "/none"
        }
    }

    async fn redirected(protocol: Protocol, to: &'static str) -> (Result<(), AppError>, Recording) {
        let router = Router::new(vec![Mount::new("/app", Rc::new(Redirecting))]);
        let mut environ = Environ::new();
        environ.push("PATH_INFO", "/app");
        environ.push("QUERY_STRING", to);
        let http = (protocol == Protocol::Http).then(|| HttpFacts {
            target: "/app".into(),
            version: Version::Http11,
        });
        let request = Request {
            environ,
            body: Body::empty(),
            protocol,
            http,
        };
        let (mut reply, recording) = Reply::recorded();
        (router.serve(request, &mut reply).await, recording)
    }

    #[tokio::test]
    async fn a_local_redirect_is_answered_here() {
        for protocol in [Protocol::Http, Protocol::FastCgi] {
            let (_, recording) = redirected(protocol, "/app/next").await;
            assert_eq!(recording.body(), b"/app/next");
        }
    }

    #[tokio::test]
    async fn a_path_that_is_not_here_goes_to_the_gateway_in_front() {
        for to in ["/elsewhere", "/app/none"] {
            let (_, recording) = redirected(Protocol::FastCgi, to).await;
            let expected = CgiHead::default().with("Location", to);
            assert_eq!(recording.head(), Some(expected));
        }
        let (_, over_http) = redirected(Protocol::Http, "/elsewhere").await;
        assert_eq!(over_http.body(), b"404 Not Found\n");
    }

    #[tokio::test]
    async fn a_redirect_for_ever_is_given_up() {
        // The query of each redirect is the next redirect, fourteen in all.
        let (served, recording) = redirected(Protocol::Http, ENDLESS).await;
        assert_eq!(served.unwrap_err().status, 500);
        assert!(recording.head().is_none());
    }

    const ENDLESS: &str = "/app?/app?/app?/app?/app?/app?/app?/app?/app?/app?/app?/app?/app?/app";
}
