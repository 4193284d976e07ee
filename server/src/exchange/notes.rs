//! What the log is to know of a request beside its reply.

use bytes::Bytes;

/// What the server's parts that answer a request note for its line in the log. All of it has a
/// default, so that whoever has nothing to say need not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notes {
    /// The number of the application that answered, in order of loading, from 0; -1 for none.
    pub app: i32,
    /// The core (thread) that ran it, from 0.
    pub core: usize,
    /// How often it gave way to others while it ran; an ordinary call counts as 1.
    pub switches: u32,
    /// What sent the body.
    pub via: Via,
    /// Whether the log is to have no line for it (`donotlog:`).
    pub silent: bool,
    /// Times that the peer did not send what it had announced.
    pub read_errors: u32,
    /// Times that the peer did not take the reply.
    pub write_errors: u32,
    /// What an application gave to `uwsgi.set_logvar`, for `%(name)` in a log format.
    pub variables: Vec<(Bytes, Bytes)>,
}

/// What sent the body of a reply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Via {
    /// The application, piece by piece.
    #[default]
    Application,
    /// The kernel, from a file.
    Sendfile,
    /// A routing rule.
    Route,
    /// A thread that only copies.
    Offload,
}

impl Default for Notes {
    fn default() -> Self {
        Self {
            app: 0,
            core: 0,
            switches: 1,
            via: Via::default(),
            silent: false,
            read_errors: 0,
            write_errors: 0,
            variables: Vec::new(),
        }
    }
}

impl Notes {
    /// Sets a variable for log formats, in place of an earlier one of that name.
    pub fn set(&mut self, name: impl Into<Bytes>, value: impl Into<Bytes>) {
        let (name, value) = (name.into(), value.into());
        match self.variables.iter_mut().find(|(known, _)| *known == name) {
            Some(variable) => variable.1 = value,
            None => self.variables.push((name, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_is_set_twice_has_its_last_value() {
        let mut notes = Notes::default();
        notes.set("user", "a");
        notes.set("tenant", "b");
        notes.set("user", "c");
        let expected = [("user", "c"), ("tenant", "b")];
        let expected = expected.map(|(name, value)| (Bytes::from(name), Bytes::from(value)));
        assert_eq!(notes.variables, expected);
    }
}
