//! `cgi-set`: what the CGI programs of a mount may do.

use std::ffi::CString;

use nix::sys::resource::Resource;
use nix::unistd::{Gid, Uid, User as Account, getgrouplist};

use super::keyvals;
use crate::app::cgi::spawn::{Rights, User};
use crate::options::error::OptionError;
use crate::options::given::{Gathered, Given};
use crate::options::values;

const KEYS: [&str; 9] = [
    "uid", "gid", "umask", "cpu", "as", "fsize", "core", "nofile", "nproc",
];

const EXPECTED: &str = "[/PREFIX=]KEY=VALUE,… with the keys uid, gid, umask, cpu, as, fsize, core, \
                        nofile and nproc, and users and groups of this machine";

/// Every `cgi-set` with the prefix that it is for, if it has one.
pub(super) fn read(gathered: &Gathered) -> Result<Vec<(Option<String>, Rights)>, OptionError> {
    let read = |given: &Given| {
        let (prefix, rest) = values::mounted(&given.value);
        let prefix = (rest.len() < given.value.len()).then(|| prefix.to_owned());
        let rights = rights(rest).ok_or_else(|| given.refuse(EXPECTED))?;
        Ok((prefix, rights))
    };
    gathered.all("cgi-set").map(read).collect()
}

fn rights(text: &str) -> Option<Rights> {
    let mut rights = Rights::default();
    let (mut uid, mut gid) = (None, None);
    for (key, value) in keyvals::read(text, &KEYS)? {
        let limit = match key.as_str() {
            "uid" => {
                uid = Some(values::user(&value)?);
                continue;
            }
            "gid" => {
                gid = Some(values::group(&value)?);
                continue;
            }
            "umask" => {
                let mask = u32::from_str_radix(&value, 8).ok();
                rights.umask = Some(mask.filter(|&mask| mask <= 0o777)?);
                continue;
            }
            "cpu" => (Resource::RLIMIT_CPU, value.parse().ok()?),
            "nofile" => (Resource::RLIMIT_NOFILE, value.parse().ok()?),
            "nproc" => (Resource::RLIMIT_NPROC, value.parse().ok()?),
            "as" => (Resource::RLIMIT_AS, bytes(&value)?),
            "fsize" => (Resource::RLIMIT_FSIZE, bytes(&value)?),
            _ => (Resource::RLIMIT_CORE, bytes(&value)?),
        };
        rights.limits.push(limit);
    }
    rights.user = match (uid, gid) {
        (None, None) => None,
        (uid, gid) => Some(user(uid.unwrap_or_else(Uid::effective), gid)?),
    };
    Some(rights)
}

/// The user with all its groups, which for an unknown user is the one that is given.
fn user(uid: Uid, gid: Option<Gid>) -> Option<User> {
    let account = Account::from_uid(uid).ok().flatten();
    let gid = gid.or_else(|| account.as_ref().map(|account| account.gid))?;
    let listed = |account: Account| {
        let name = CString::new(account.name).ok()?;
        getgrouplist(&name, gid).ok()
    };
    Some(User {
        uid,
        gid,
        groups: account.and_then(listed).unwrap_or_else(|| vec![gid]),
    })
}

/// Bytes: a number, or one with `k`, `m` or `g` behind it.
fn bytes(text: &str) -> Option<u64> {
    let units = [("k", 10), ("m", 20), ("g", 30)];
    let unit = units
        .iter()
        .find_map(|&(unit, shift)| Some((text.strip_suffix(unit)?, shift)));
    let (digits, shift) = unit.unwrap_or((text, 0));
    digits.parse::<u64>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_have_units() {
        let read = rights("umask=027,cpu=10,as=512m,nofile=64").unwrap();
        assert_eq!(read.umask, Some(0o027));
        let expected = [
            (Resource::RLIMIT_CPU, 10),
            (Resource::RLIMIT_AS, 512 << 20),
            (Resource::RLIMIT_NOFILE, 64),
        ];
        assert_eq!(read.limits, expected);
        assert_eq!(read.user, None);
    }

    #[test]
    fn a_user_brings_its_groups() {
        let user = rights("uid=0").unwrap().user.unwrap();
        assert_eq!((user.uid.as_raw(), user.gid.as_raw()), (0, 0));
        assert!(user.groups.contains(&user.gid));
        let unknown = rights("uid=4242424,gid=7").unwrap().user.unwrap();
        assert_eq!(unknown.groups, [Gid::from_raw(7)]);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for text in [
            "",
            "cpu",
            "cpu=x",
            "umask=999",
            "as=1t",
            "uid=no-such-user",
            "rss=1",
        ] {
            assert_eq!(rights(text), None, "{text}");
        }
        assert_eq!(rights("uid=4242424"), None, "a user without a group");
    }
}
