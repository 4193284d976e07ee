//! How known deviations are written in `scenarios/known/`: what has one reason stands in one entry.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{self, IntoDeserializer, SeqAccess, Visitor},
};
use toml::Spanned;

use super::{
    known::{Known, KnownList, Models},
    versions::Versions,
};
use crate::outcome::Outcome;

/// The file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KnownFile {
    #[serde(default)]
    pub(super) known: Vec<Spanned<Entry>>,
    /// Scenarios, by the beginnings of their ids, whose violation touches security whatever it
    /// looks like: an injection, a request that is taken for another.
    #[serde(default)]
    pub(super) sensitive: Vec<String>,
}

impl From<KnownFile> for KnownList {
    fn from(file: KnownFile) -> Self {
        let entries = file.known.iter();
        let known = entries.flat_map(|entry| entry.get_ref().deviations());
        Self::new(known.collect(), file.sensitive)
    }
}

/// An entry as it is written: what has one reason may show in several scenarios and models.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    subject: String,
    version: Versions,
    #[serde(default)]
    with: Option<String>,
    model: OneOrMore<Models>,
    scenario: OneOrMore<String>,
    #[serde(default = "broken_rule")]
    outcome: Outcome,
    #[serde(default)]
    sometimes: bool,
    because: String,
    #[serde(default)]
    link: Option<String>,
    #[serde(default)]
    embargoed: bool,
}

/// A word, or a list of words.
#[derive(Debug)]
struct OneOrMore<T>(Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMore<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        // Not `untagged`, which forgets what was wrong with a word.
        struct Words<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Words<T> {
            type Value = OneOrMore<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a word or a list of words")
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<Self::Value, E> {
                Ok(OneOrMore(vec![T::deserialize(word.into_deserializer())?]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut all = Vec::new();
                while let Some(word) = list.next_element()? {
                    all.push(word);
                }
                Ok(OneOrMore(all))
            }
        }
        from.deserialize_any(Words(PhantomData))
    }
}

impl Entry {
    /// One deviation for each scenario and model.
    pub(super) fn deviations(&self) -> impl Iterator<Item = Known> {
        let models = &self.model.0;
        let pairs = self.scenario.0.iter().flat_map(|scenario| {
            let of = models.iter();
            of.map(move |model| (scenario, *model))
        });
        pairs.map(|(scenario, model)| Known {
            subject: self.subject.clone(),
            version: self.version.clone(),
            with: self.with.clone(),
            model,
            scenario: scenario.clone(),
            outcome: self.outcome,
            sometimes: self.sometimes,
            because: self.because.clone(),
            link: self.link.clone(),
            embargoed: self.embargoed,
        })
    }
}

fn broken_rule() -> Outcome {
    Outcome::Fail
}
