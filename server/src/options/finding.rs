//! What the user should know about the configuration, though it can be used.

use super::given::Origin;

/// One remark about one option where it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) origin: Origin,
    /// The option's name as it was written.
    pub(super) option: String,
    /// One sentence without a full stop.
    pub(super) says: String,
    /// Whether it is told on every start, because something is surely not as it was meant.
    pub(super) warns: bool,
}

impl Finding {
    /// Something that is surely not as it was meant.
    pub(super) fn warning(origin: &Origin, option: &str, says: String) -> Self {
        Self {
            origin: origin.clone(),
            option: option.to_owned(),
            says,
            warns: true,
        }
    }

    /// Something that only the check of a configuration tells.
    pub(super) fn remark(origin: &Origin, option: &str, says: String) -> Self {
        Self {
            warns: false,
            ..Self::warning(origin, option, says)
        }
    }

    /// The sentence with its place.
    pub(super) fn sentence(&self) -> String {
        let Self {
            origin,
            option,
            says,
            ..
        } = self;
        format!("`{option}` ({origin}): {says}")
    }
}
