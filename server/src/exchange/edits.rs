//! Changes to the head of a reply that its application does not know of.

use wire::cgi::CgiHead;
use wire::http::Header;

use crate::options::HeaderSettings;

/// Header fields to take out of a head and to put into it.
#[derive(Clone, Debug, Default)]
pub(crate) struct HeadEdits {
    add: Vec<Header>,
    remove: Vec<String>,
}

impl HeadEdits {
    /// `add-header` and `rem-header`; `None` if neither is given, which costs nothing.
    pub(crate) fn of(settings: &HeaderSettings) -> Option<Self> {
        let mut edits = Self::default();
        for (name, value) in &settings.add {
            edits.add(name.clone(), value.clone());
        }
        settings.remove.iter().for_each(|name| edits.remove(name));
        (!edits.add.is_empty() || !edits.remove.is_empty()).then_some(edits)
    }

    /// Another field at the end of the head.
    pub(crate) fn add(&mut self, name: String, value: String) {
        self.add.push(Header::new(name, value));
    }

    /// Whatever the application sends of this name is left out.
    pub(crate) fn remove(&mut self, name: &str) {
        self.remove.push(name.to_owned());
    }

    /// Edits a head.
    pub(super) fn apply(&self, head: &mut CgiHead) {
        let is_removed = |field: &Header| self.remove.iter().any(|name| field.is(name));
        head.fields.retain(|field| !is_removed(field));
        head.fields.extend_from_slice(&self.add);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_removed_can_be_added_anew() {
        let edits = HeadEdits::of(&HeaderSettings {
            add: vec![("server".into(), "mine".into())],
            remove: vec!["Server".into()],
        });
        let mut head = CgiHead::new(200).with("Server", "theirs").with("X", "1");
        edits.unwrap().apply(&mut head);
        assert_eq!(
            head,
            CgiHead::new(200).with("X", "1").with("server", "mine")
        );
    }

    #[test]
    fn nothing_to_edit_is_nothing() {
        assert!(HeadEdits::of(&HeaderSettings::default()).is_none());
    }
}
