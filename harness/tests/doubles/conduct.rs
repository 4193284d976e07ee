//! How the double goes about where no single value is at stake.

/// Habits of the gateway; the default is right in all of them.
#[derive(Clone, Debug)]
pub(super) struct Conduct {
    /// The most local redirects that one request may take.
    pub(super) redirects: u32,
}

impl Default for Conduct {
    fn default() -> Self {
        Self { redirects: 10 }
    }
}
