//! The reply to every request that a scenario does not speak of: the probe's, made here.

use std::time::Duration;

use probe::{Answer, BodySeen, Interface, Payload, Plan, Report, command};

use crate::{model::Model, witness::recorded::Asked};

/// CGI output, and when it is due.
pub(super) struct Made {
    pub(super) output: Vec<u8>,
    pub(super) delay: Duration,
}

/// What the probe replies to a request.
pub(super) fn answer(model: Model, asked: &Asked) -> Made {
    let interface = interface(model);
    let environ = environ(model, asked);
    let method = method(asked);
    let told = environ.iter().find(|(name, _)| name == "HTTP_X_PROBE");
    let told = told.map(|(_, value)| octets(value)).unwrap_or_default();
    let plan = Plan::parse(&told);
    let delay = plan.as_ref().map_or(Duration::ZERO, |plan| plan.delay);
    let answer = match plan {
        Ok(plan) => {
            let report = Report {
                interface,
                environ,
                body: BodySeen {
                    size: asked.body.size,
                    sha256: asked.body.sha256.clone(),
                    error: None,
                },
                ..Report::default()
            };
            plan.answer(interface, method.as_bytes(), &report)
        }
        Err(unknown) => Answer::refusal(method.as_bytes(), &unknown),
    };
    let mut output = answer
        .head
        .as_ref()
        .map(probe::Head::to_cgi)
        .unwrap_or_default();
    match &answer.payload {
        Payload::Bytes(octets) => output.extend_from_slice(octets),
        Payload::Counter(size) => crate::scenario::counter(*size).for_each(|b| output.extend(b)),
        Payload::Echo => output.extend_from_slice(&asked.body.kept),
    }
    Made { output, delay }
}

/// The method of a request, over whatever it came.
pub(super) fn method(asked: &Asked) -> String {
    let of_line = asked.line.as_ref().and_then(|line| line.split(' ').next());
    let method = of_line.or_else(|| asked.param("REQUEST_METHOD"));
    method.unwrap_or("GET").to_owned()
}

fn interface(model: Model) -> Interface {
    match model {
        Model::Cgi | Model::CgiWarm => Interface::Cgi,
        Model::FastCgi => Interface::FastCgi,
        Model::Uwsgi => Interface::Uwsgi,
        Model::Scgi => Interface::Scgi,
        Model::Http => Interface::Http,
    }
}

/// Meta-variables; of an HTTP request those that its fields make.
fn environ(model: Model, asked: &Asked) -> Vec<(String, String)> {
    let params = asked.params.iter();
    let pair = |name: String, value: &String| (name, value.clone());
    match model {
        Model::Http => params
            .map(|field| pair(variable(&field.name), &field.value))
            .collect(),
        _ => params
            .map(|param| pair(param.name.clone(), &param.value))
            .collect(),
    }
}

fn variable(field: &str) -> String {
    let name = field.to_ascii_uppercase().replace('-', "_");
    match name.as_str() {
        "CONTENT_LENGTH" | "CONTENT_TYPE" => name,
        _ => format!("HTTP_{name}"),
    }
}

fn octets(text: &str) -> Vec<u8> {
    let octets = crate::scenario::text::octets(text);
    debug_assert_eq!(command::latin1(&octets), text);
    octets
}
