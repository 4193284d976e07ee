//! What a rule does.

use crate::options::error::OptionError;
use crate::options::given::Given;

/// What a rule does. Texts may hold `${VARIABLE}` and the `$1` of the rule's pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// `continue`, `last`: no more rules.
    Continue,
    /// `goto`: on with the rules behind a label.
    Goto(String),
    /// `break`, `return`: an answer with this status and no more than its reason.
    Answer(u16, String),
    /// `redirect`, `redirect-permanent`: the status and where to.
    Redirect(u16, String),
    /// `rewrite`, `rewrite-last`: another path, and whether rules end there.
    Rewrite(String, bool),
    /// `static`: a file.
    Static(String),
    /// `basicauth`: realm and `user:password`; whether other rules may still know the user.
    BasicAuth(String, String, bool),
    /// `log`: a line.
    Log(String),
    /// `donotlog`: no line for the request.
    DoNotLog,
    /// `addheader`: a header field of the reply.
    AddHeader(String),
    /// `remheader`: the name of one to leave out.
    RemoveHeader(String),
    /// `addvar` and the `set…` actions: a variable of the request.
    SetVariable(String, String),
    /// `logvar`: a variable for log formats.
    LogVariable(String, String),
    /// What means nothing here.
    Nothing,
}

const KNOWN: &str = "an action that is known here (continue, last, goto, break, return, redirect, \
                     redirect-permanent, rewrite, rewrite-last, static, basicauth, log, donotlog, \
                     addheader, remheader, addvar, logvar, seturi, setpathinfo, setscriptname, \
                     setmethod, sethost, setuser, setremoteaddr, setdocroot, setscheme)";

pub(super) fn read(given: &Given, text: &str) -> Result<Action, OptionError> {
    let (name, argument) = text.split_once(':').unwrap_or((text, ""));
    let owned = || argument.to_owned();
    Ok(match name {
        "continue" | "last" => Action::Continue,
        "goto" => Action::Goto(owned()),
        "break" | "return" | "break-with-status" => answer(given, argument)?,
        "redirect" | "redirect-302" => Action::Redirect(302, owned()),
        "redirect-permanent" | "redirect-301" => Action::Redirect(301, owned()),
        "rewrite" => Action::Rewrite(owned(), false),
        "rewrite-last" => Action::Rewrite(owned(), true),
        "static" => Action::Static(owned()),
        "basicauth" => basic_auth(given, argument, false)?,
        "basicauth-next" => basic_auth(given, argument, true)?,
        "log" => Action::Log(owned()),
        "donotlog" => Action::DoNotLog,
        "addheader" => Action::AddHeader(owned()),
        "remheader" | "delheader" => Action::RemoveHeader(owned()),
        "addvar" => pair(given, argument).map(|(name, value)| Action::SetVariable(name, value))?,
        "logvar" => pair(given, argument).map(|(name, value)| Action::LogVariable(name, value))?,
        "donotoffload" => Action::Nothing,
        _ => match variable_of(name) {
            Some(variable) => Action::SetVariable(variable.to_owned(), owned()),
            None => return Err(given.refuse(KNOWN)),
        },
    })
}

/// What the `set…` actions change.
fn variable_of(action: &str) -> Option<&'static str> {
    Some(match action {
        "seturi" => "REQUEST_URI",
        "setpathinfo" => "PATH_INFO",
        "setscriptname" => "SCRIPT_NAME",
        "setmethod" => "REQUEST_METHOD",
        "sethost" => "HTTP_HOST",
        "setuser" => "REMOTE_USER",
        "setremoteaddr" => "REMOTE_ADDR",
        "setdocroot" => "DOCUMENT_ROOT",
        "setscheme" => "UWSGI_SCHEME",
        _ => return None,
    })
}

/// `413` or `413 Request Entity Too Large`. Without a status uWSGI closes the connection, which a
/// client cannot tell from a fault.
fn answer(given: &Given, argument: &str) -> Result<Action, OptionError> {
    let (code, reason) = argument.split_once(' ').unwrap_or((argument, ""));
    if code.is_empty() {
        return Ok(Action::Answer(403, String::new()));
    }
    let status = code
        .parse()
        .ok()
        .filter(|status| (200..=999).contains(status));
    let status = status.ok_or_else(|| given.refuse("a status from 200 to 999 behind break:"))?;
    Ok(Action::Answer(status, reason.to_owned()))
}

fn pair(given: &Given, argument: &str) -> Result<(String, String), OptionError> {
    let pair = argument
        .split_once('=')
        .filter(|(name, _)| !name.is_empty());
    let (name, value) = pair.ok_or_else(|| given.refuse("NAME=VALUE behind the action"))?;
    Ok((name.to_owned(), value.to_owned()))
}

fn basic_auth(given: &Given, argument: &str, next: bool) -> Result<Action, OptionError> {
    let pair = argument
        .split_once(',')
        .filter(|(_, user)| user.contains(':') && !user.starts_with('/'));
    let (realm, user) =
        pair.ok_or_else(|| given.refuse("REALM,USER:PASSWORD behind basicauth:"))?;
    Ok(Action::BasicAuth(realm.to_owned(), user.to_owned(), next))
}
