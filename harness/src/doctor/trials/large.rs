//! How large the heads of a request and of a reply may be.

use std::{cell::Cell, time::Duration};

use super::{
    super::{Report, call::Came, finding},
    Patient, came_words, is_alike,
    sizes::{self, Limit},
};
use crate::{
    model::Model,
    tap::{Exchange, Finding},
};

impl Patient<'_> {
    /// How large the request's head may be.
    pub(super) fn large_request(&self, plain: &Exchange, report: &mut Report) {
        let name = if self.protocol == Model::Http {
            "X-Doctor"
        } else {
            "HTTP_X_DOCTOR"
        };
        let slow = Cell::new(false);
        let mut last = None;
        let patience = self.wishes.timeout.min(Duration::from_secs(2));
        let sized = |size: usize| {
            let mut ask = self.wishes.ask.with(name, &"a".repeat(size));
            ask.fields.push((name.to_owned(), "a".repeat(size)));
            ask
        };
        let mut works = |size: usize| {
            let Ok(came) = self.send(&sized(size), None, patience) else {
                return false;
            };
            let good = is_alike(came.exchange(), plain);
            if !good {
                slow.set(slow.get() || matches!(came, Came::Silent(_)));
                last = Some(came_words(&came));
            }
            good
        };
        // Where it fails by silence each step costs seconds, so there are few.
        let limit = match works(sizes::MOST) {
            true => Limit::Beyond(sizes::MOST),
            false => {
                let step = if slow.get() { 8192 } else { 1 };
                sizes::bisect(1, sizes::MOST, step, works)
            }
        };
        let whole = |size| {
            let octets = sized(size).octets(self.protocol, None);
            octets.map_or(0, |it| it.len())
        };
        let sent = "the largest head that works";
        let Limit::At(size) = limit else {
            return report.trial(
                sent,
                format!("at least {} octets", whole(sizes::MOST)),
                false,
            );
        };
        let more = last.unwrap_or_else(|| "no connection".to_owned());
        let whole = whole(size);
        report.trial(sent, format!("{whole} octets; more: {more}"), false);
        if let Some(found) = self.too_small(whole, &more) {
            report.note(found);
        }
    }

    /// nginx takes 4 fields of 8 KiB from clients: a server behind it that takes less answers 502 to some.
    pub(super) fn too_small(&self, whole: usize, more: &str) -> Option<Finding> {
        let (rule, cure) = match self.protocol {
            _ if whole >= 32 * 1024 => return None,
            Model::Uwsgi => (
                "UWSGI-HDR-APP-LIMIT",
                "buffer-size = 32768 (65535 at most) in the server's configuration, or lower large_client_header_buffers in nginx.",
            ),
            Model::Http => (
                "",
                "nginx: large_client_header_buffers 4 16k; uWSGI: buffer-size; gunicorn: --limit-request-field_size; Apache: LimitRequestFieldSize.",
            ),
            _ => (
                "FCGI-5.2-PARAMS-BIG",
                "buffer-size in the server's configuration where it has one (uWSGI, gateserve); or lower large_client_header_buffers in nginx, so that clients are told 400 instead of 502.",
            ),
        };
        Some(finding(
            "request-limit",
            rule,
            format!(
                "A request of more than {whole} octets of variables (cookies, URL) is refused ({more}), which nginx's clients may send: 32 KiB unless set."
            ),
            cure,
        ))
    }

    /// How large a reply's head the gateway passes on, where the probe answers behind it.
    pub(super) fn large_reply(&self, report: &mut Report) {
        if self.protocol != Model::Http {
            return;
        }
        let command = |text: String| {
            let mut ask = self.wishes.ask.clone();
            ask.fields.push(("X-Probe".to_owned(), text));
            self.send(&ask, None, self.wishes.timeout)
        };
        let is_probe = command("no-such-command=1".to_owned()).is_ok_and(|came| {
            let raw = &came.exchange().reply.raw;
            raw.windows(21).any(|it| it == b"unknown probe command")
        });
        if !is_probe {
            return;
        }
        let (mut last, mut status) = (String::new(), None);
        // The command goes through the request's head, which nginx limits to 8 KiB a field.
        let limit = sizes::bisect(1, 7000, 1, |size| {
            let text = format!("body=x; header=X-Doctor: {}", "a".repeat(size));
            let Ok(came) = command(text) else {
                return false;
            };
            let good = came.exchange().status == Some(200);
            if !good {
                status = came.exchange().status;
                last = came_words(&came);
            }
            good
        });
        let sent = "the largest reply head passed on";
        match limit {
            // Where the command itself is too large, more cannot be asked for.
            Limit::At(size) if status.is_none_or(|it| it < 500) => {
                report.trial(sent, format!("at least {size} octets"), false);
            }
            Limit::Beyond(size) => report.trial(sent, format!("at least {size} octets"), false),
            Limit::At(size) => {
                report.trial(sent, format!("about {size} octets; more: {last}"), true);
                report.problem(finding(
                    "reply-head-limit",
                    "FCGI-DF-HEADER-SPLIT-BUFFER",
                    format!("The gateway answers an error where the application's head has more than about {size} octets (cookies, Content-Security-Policy): nginx logs `upstream sent too big header`."),
                    "nginx: fastcgi_buffer_size 16k; fastcgi_buffers 8 16k; fastcgi_busy_buffers_size 32k; (uwsgi_, scgi_, proxy_ likewise).",
                ));
            }
        }
    }
}
