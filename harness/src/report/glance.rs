//! The questions that people ask of a gateway first, and what each one's cases answer.

use std::sync::LazyLock;

use serde::Deserialize;

use super::view::Mark;
use crate::results::{CaseResult, Results};

/// The questions, in the order of the page.
static QUESTIONS: LazyLock<Vec<Question>> = LazyLock::new(|| {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        question: Vec<Question>,
    }
    let file: File = toml::from_str(include_str!("../../../scenarios/glance.toml"))
        .expect("a test reads scenarios/glance.toml");
    file.question
});

/// One question, answered by one scenario.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Heading under which it stands.
    pub topic: String,
    /// What is asked, in a few words.
    pub asks: String,
    /// Id of the scenario whose cases answer.
    pub scenario: String,
    /// The observed value that is the answer; left out, the conforming outcome that was chosen.
    #[serde(default)]
    pub what: Option<String>,
}

/// What the cases of one gateway answer to one question.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer<'a> {
    /// How the case ended.
    pub mark: Mark,
    /// The answer in words.
    pub text: String,
    /// The cases that say so, one for each model; at least one.
    pub cases: Vec<&'a CaseResult>,
}

/// Every question.
pub fn questions() -> &'static [Question] {
    &QUESTIONS
}

/// What a gateway answers, equal answers of its models in one. Where several backends were behind
/// it, the first speaks for all.
pub fn answers<'a>(question: &Question, gateway: &str, results: &'a Results) -> Vec<Answer<'a>> {
    let mut answers = Vec::<Answer<'_>>::new();
    let mut models = Vec::new();
    let asked = |case: &&CaseResult| {
        case.scenario == question.scenario && case.gateway.as_deref() == Some(gateway)
    };
    for case in results.results.iter().filter(asked) {
        let mark = Mark::of(case);
        if !mark.is_verdict() || models.contains(&case.model) {
            continue;
        }
        models.push(case.model);
        let text = text(question, case, mark);
        match answers
            .iter_mut()
            .find(|known| known.mark == mark && known.text == text)
        {
            Some(known) => known.cases.push(case),
            None => answers.push(Answer {
                mark,
                text,
                cases: vec![case],
            }),
        }
    }
    answers
}

fn text(question: &Question, case: &CaseResult, mark: Mark) -> String {
    let what = question.what.as_deref().unwrap_or("chosen");
    let seen = case.observation.get(what);
    let broke = mark.is_violation() || mark == Mark::Known;
    match (seen, broke) {
        (Some(seen), false) => seen.clone(),
        (_, true) => case
            .actual
            .clone()
            .unwrap_or_else(|| mark.word().to_owned()),
        (None, false) => "as the rule says".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::load_embedded;

    #[test]
    fn every_question_is_answered_by_a_scenario() {
        let catalogue = load_embedded().unwrap();
        for question in questions() {
            let mut all = catalogue.scenarios.iter();
            let known = all.any(|scenario| scenario.id == question.scenario);
            assert!(known, "{}", question.scenario);
        }
    }
}
