//! Picks the application by path.

use std::rc::Rc;

use bytes::{Bytes, BytesMut};
use futures_util::future::{FutureExt, LocalBoxFuture};
use wire::environ::Environ;

use super::{App, AppError, plain};
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
}

impl Router {
    /// A router over `mounts`, in any order; of two equal prefixes the earlier wins.
    pub fn new(mut mounts: Vec<Mount>) -> Self {
        mounts.sort_by_key(|mount| std::cmp::Reverse(mount.prefix.len()));
        Self { mounts }
    }

    fn route(&self, environ: &mut Environ) -> Option<&dyn App> {
        if let [Mount { prefix, app }] = self.mounts.as_slice() {
            if prefix.is_empty() {
                return Some(app.as_ref());
            }
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
fn full_path(environ: &Environ) -> Bytes {
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
        mut request: Request,
        reply: &'a mut Reply,
    ) -> LocalBoxFuture<'a, Result<(), AppError>> {
        match self.route(&mut request.environ) {
            Some(app) => app.serve(request, reply),
            None => async { Ok(plain(reply, 404).await?) }.boxed_local(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::{Body, Protocol};

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
}
