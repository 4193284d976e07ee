//! The process that a gateway made for a CGI program.

use serde::Deserialize;

use super::super::{
    Scene, Unmet,
    value::{Value, quote},
};
use crate::{scenario::text::Text, witness::recorded::Program};

/// Conditions on the process; what is left out is not looked at.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProgramExpect {
    /// Arguments after the program's name.
    argv: Option<Vec<Text>>,
    /// Current directory.
    cwd: Option<Value>,
    /// Open descriptors, all of them.
    descriptors: Option<Vec<i32>>,
    /// Numbers of blocked signals.
    blocked: Option<Vec<i32>>,
    /// Numbers of ignored signals.
    ignored: Option<Vec<i32>>,
    /// Mask of file modes in octal, four digits.
    umask: Option<Value>,
    /// Whether nothing is left of the process.
    gone: Option<bool>,
}

impl ProgramExpect {
    pub(super) fn unmet(&self, program: Option<&Program>, scene: &Scene<'_>) -> Option<Unmet> {
        let Some(program) = program else {
            return Some(Unmet::new("program", "a program was executed", "none was"));
        };
        let open = program
            .descriptors
            .iter()
            .map(|(number, _)| *number)
            .collect();
        self.unmet_argv(program, scene)
            .or_else(|| text("cwd", self.cwd.as_ref(), &program.cwd, scene))
            .or_else(|| {
                let unmet = numbers("descriptors", self.descriptors.as_ref(), &open)?;
                let actual = format!("{:?}", program.descriptors);
                Some(Unmet { actual, ..unmet })
            })
            .or_else(|| numbers("blocked", self.blocked.as_ref(), &program.blocked))
            .or_else(|| numbers("ignored", self.ignored.as_ref(), &program.ignored))
            .or_else(|| text("umask", self.umask.as_ref(), &program.umask, scene))
            .or_else(|| self.unmet_gone(program))
    }

    fn unmet_gone(&self, program: &Program) -> Option<Unmet> {
        let expected = self.gone?;
        let actual = match program.gone {
            Some(true) => "gone",
            Some(false) => "still in the table of processes",
            None => "unknown: the system does not tell which process it is",
        };
        let words = if expected { "gone" } else { "still there" };
        (program.gone != Some(expected)).then(|| Unmet::new("program", words, actual))
    }

    fn unmet_argv(&self, program: &Program, scene: &Scene<'_>) -> Option<Unmet> {
        let expected = self.argv.as_ref()?.iter().map(|word| word.at(scene.place));
        let (expected, actual): (Vec<String>, _) = (
            expected.collect(),
            program.argv.get(1..).unwrap_or_default(),
        );
        let what = "program.argv";
        (expected != actual)
            .then(|| Unmet::new(what, format!("{expected:?}"), format!("{actual:?}")))
    }
}

fn text(what: &str, expect: Option<&Value>, actual: &str, scene: &Scene<'_>) -> Option<Unmet> {
    let expected = expect?.unmet(Some(actual), scene.place)?;
    Some(Unmet::new(
        format!("program.{what}"),
        expected,
        quote(actual),
    ))
}

fn numbers(what: &str, expect: Option<&Vec<i32>>, actual: &Vec<i32>) -> Option<Unmet> {
    let expect = expect.filter(|expect| *expect != actual)?;
    let what = format!("program.{what}");
    Some(Unmet::new(
        what,
        format!("{expect:?}"),
        format!("{actual:?}"),
    ))
}
