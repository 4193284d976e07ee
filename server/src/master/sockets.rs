//! The sockets of a start: those that a server before this one or the service manager has left
//! open, and new ones.

use super::files::Files;
use super::stats::{Format, ToldAt};
use super::{StartError, system};
use crate::log;
use crate::options::{Settings, StatsSettings};
use crate::socket::{Activated, Address, Bound, Handover, Left, Owner, Purpose};
use crate::system::identity;

/// Opens the sockets for requests, and those at which the server tells of itself.
pub(super) fn open(
    settings: &Settings,
    mut handover: Option<Handover>,
    files: &mut Files,
) -> Result<(Vec<Bound>, ToldAt), StartError> {
    let mut claim = |purpose, address| handover.as_mut()?.claim(purpose, address);
    let listeners = settings.listeners.iter();
    let left = listeners.map(|listener| claim(Purpose::Requests, &listener.address));
    let left: Vec<_> = left.collect();
    let figures = figures(&settings.stats);
    let left_at = figures.map(|(format, address)| claim(format.purpose(), address?));
    // Before others are bound: one of those may be at the same port.
    for address in handover.into_iter().flat_map(Handover::close) {
        log::tell(&format!("{address} is not listened on any more"));
    }
    let sockets = open_listeners(settings, left, files)?;
    let mut told_at = ToldAt::new();
    for ((format, address), left) in figures.into_iter().zip(left_at) {
        let Some(address) = address else { continue };
        let left = left.map(|left| (left.socket, left.owner));
        let (bound, _) = open_one(settings, address, left, files)?;
        let (what, name, fd) = (format.name(), &bound.name, bound.fd());
        log::tell(&format!("*** {what} enabled on {name} fd: {fd} ***"));
        told_at.push((bound, format));
    }
    Ok((sockets, told_at))
}

/// What can be told of the server, and where it is, if it is.
pub(super) fn figures(stats: &StatsSettings) -> [(Format, Option<&Address>); 2] {
    [
        (Format::Json, stats.json.as_ref()),
        (Format::Metrics, stats.metrics.as_ref()),
    ]
}

/// The sockets for requests; `left` has one for each listener or none.
fn open_listeners(
    settings: &Settings,
    left: Vec<Option<Left>>,
    files: &mut Files,
) -> Result<Vec<Bound>, StartError> {
    let mut activated = Activated::received();
    let mut sockets = Vec::with_capacity(left.len());
    for (index, (listener, left)) in settings.listeners.iter().zip(left).enumerate() {
        let left = left.map(|left| (left.socket, left.owner));
        let given = || Some((activated.claim(&listener.address)?, Owner::Parent));
        let left = left.or_else(given);
        let (mut bound, how) = open_one(settings, &listener.address, left, files)?;
        if let Some(tls) = &listener.tls {
            bound.secure(tls, listener.protocol, &listener.address)?;
        }
        let protocol = listener.protocol.name();
        let (name, fd) = (&bound.name, bound.fd());
        log::tell(&format!(
            "{protocol} socket {index} {how} address {name} fd {fd}"
        ));
        sockets.push(bound);
    }
    Ok(sockets)
}

/// Goes on with the socket that was left, or binds one; tells in uWSGI's words which of both.
fn open_one(
    settings: &Settings,
    address: &Address,
    left: Option<(socket2::Socket, Owner)>,
    files: &mut Files,
) -> Result<(Bound, String), StartError> {
    let Some((socket, owner)) = left else {
        let bound = bind_anew(settings, address, files)?;
        let how = format!("bound to {}", bound.family());
        return Ok((bound, how));
    };
    let bound = Bound::inherited(address, socket, owner, &settings.sockets)?;
    bound.file.iter().for_each(|file| files.add(file));
    let how = format!("inherited {}", bound.inherited_family());
    Ok((bound, how))
}

fn bind_anew(
    settings: &Settings,
    address: &Address,
    files: &mut Files,
) -> Result<Bound, StartError> {
    let owner = identity::owner(&settings.system.identity);
    let bound = Bound::new(address, &settings.sockets)?;
    if let Some(file) = &bound.file {
        files.add(file);
        if let Some((uid, gid)) = owner.filter(|_| settings.sockets.owner.is_none()) {
            nix::unistd::chown(file, Some(uid), gid).map_err(|error| {
                system(format!("give {} to its user", file.display()))(error.into())
            })?;
        }
    }
    Ok(bound)
}
