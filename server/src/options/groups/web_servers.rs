//! Who may connect over FastCGI: the web servers of FastCGI 1.0 section 3.2.

use std::net::IpAddr;

use crate::options::error::OptionError;
use crate::options::given::{Gathered, Given};
use crate::options::opt::Takes::One;
use crate::options::opt::Topic::Sockets;
use crate::options::opt::{Opt, opt};

/// The options of this group.
pub(in crate::options) static OPTIONS: &[Opt] = &[opt(
    "fastcgi-web-servers",
    One("ADDR,…"),
    Sockets,
    "Close FastCGI connections that do not come from one of these IP addresses, as the variable \
     FCGI_WEB_SERVER_ADDRS of the environment does; Unix sockets have no address and are closed too",
)];

/// The variable that means the same (FCGI-3.2-WEB-SERVER-ADDRS).
pub(in crate::options) const VARIABLE: &str = "FCGI_WEB_SERVER_ADDRS";

/// The addresses; `None` where everybody may connect.
pub(super) fn resolve(gathered: &Gathered) -> Result<Option<Vec<IpAddr>>, OptionError> {
    gathered.last("fastcgi-web-servers").map(read).transpose()
}

fn read(given: &Given) -> Result<Vec<IpAddr>, OptionError> {
    let address = |text: &str| {
        let parsed = text.trim().parse::<IpAddr>().ok();
        parsed.ok_or_else(|| given.refuse("IP addresses with commas between them"))
    };
    given.value.split(',').map(address).collect()
}
