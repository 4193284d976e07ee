//! Access control: below one folder only a known user may run the application (RFC 3875
//! section 3.1).

use base64::{Engine, engine::general_purpose::STANDARD};
use gatebench::scenario::AUTH_FOLDER;
use wire::http::RequestHead;

use super::{
    conduct::{Asks, Conduct},
    connection::Trouble,
};

/// The user who may, and the password.
const KNOWN: &[u8] = b"bench:bench";

/// Who asks.
#[derive(Clone, Debug, Default)]
pub(super) struct User {
    /// Whether the path is below the folder.
    pub(super) is_asked: bool,
    /// The name, where the password was right.
    pub(super) name: Option<String>,
    is_late: bool,
}

impl User {
    /// Whether the refusal comes when the program has run.
    pub(super) fn is_late(&self) -> bool {
        self.is_late
    }
}

/// Lets known users pass, and everybody where nobody is asked.
pub(super) fn check(head: &RequestHead, conduct: &Conduct) -> Result<User, Trouble> {
    let below = format!("{AUTH_FOLDER}/");
    if !head.target.starts_with(below.as_bytes()) {
        return Ok(User::default());
    }
    let shown = shown(head).unwrap_or_default();
    let is_known = match conduct.asks {
        Asks::AnyPassword => shown.starts_with(b"bench:"),
        _ => shown == KNOWN,
    };
    match (is_known, conduct.asks) {
        (false, Asks::First | Asks::AnyPassword) => Err(Trouble::Answer(401)),
        (is_known, asks) => Ok(User {
            is_asked: true,
            name: is_known.then(|| "bench".to_owned()),
            is_late: !is_known && asks == Asks::Late,
        }),
    }
}

/// Name and password by the Basic scheme (RFC 7617 section 2).
fn shown(head: &RequestHead) -> Option<Vec<u8>> {
    let said = std::str::from_utf8(head.header("authorization")?).ok()?;
    let (scheme, shown) = said.split_once(' ')?;
    let is_basic = scheme.eq_ignore_ascii_case("Basic");
    STANDARD.decode(shown).ok().filter(|_| is_basic)
}
