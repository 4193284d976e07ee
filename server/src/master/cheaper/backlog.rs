//! uWSGI's algorithm `backlog`: more workers while connections wait.

use super::Load;

pub(super) fn decide(load: &Load, least: u32, step: u32, overload: u32) -> i32 {
    if load.backlog > overload {
        return load.room(step);
    }
    match load.backlog < overload && load.active() > least {
        true => -1,
        false => 0,
    }
}
