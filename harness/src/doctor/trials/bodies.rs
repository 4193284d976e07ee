//! Whether a body arrives whose length is not told.

use super::{
    super::{
        Report,
        ask::{Body, Framing},
        finding,
    },
    Patient, is_alike, words,
};
use crate::model::Model;

impl Patient<'_> {
    /// The ways in which the end of a body can be told; asked for by the user.
    pub(super) fn bodies(&self, report: &mut Report) {
        let send = |framing| {
            let mut ask = self.wishes.ask.clone();
            ask.method = "POST".to_owned();
            ask.body = Some(Body {
                octets: b"gatebench=doctor".to_vec(),
                framing,
            });
            if let Some(whole) = &mut ask.whole {
                whole.retain(|(name, _)| name != "REQUEST_METHOD" && name != "CONTENT_LENGTH");
                whole.push(("REQUEST_METHOD".to_owned(), "POST".to_owned()));
                if framing == Framing::Length {
                    whole.push(("CONTENT_LENGTH".to_owned(), "16".to_owned()));
                }
            }
            self.send(&ask, None, self.wishes.timeout)
        };
        let Ok(plain) = send(Framing::Length) else {
            return;
        };
        report.trial("POST, 16 octets, length told", words(&plain), false);
        let (framing, sent) = match self.protocol {
            Model::FastCgi => (Framing::None, "POST without CONTENT_LENGTH"),
            Model::Http => (Framing::Chunked, "POST in chunks"),
            _ => return,
        };
        let Ok(other) = send(framing) else {
            return;
        };
        let is_same = is_alike(other.exchange(), plain.exchange())
            && other.exchange().reply.body == plain.exchange().reply.body;
        report.trial(sent, words(&other), !is_same);
        if is_same {
            return;
        }
        let cure = match self.protocol {
            Model::Http => {
                "nginx: fastcgi_request_buffering on (uwsgi_, scgi_, proxy_), so that a chunked body gets a length; Apache: SetEnv proxy-sendcl 1; uWSGI: http-chunked-input."
            }
            _ => {
                "nginx: fastcgi_request_buffering on, and the params file that sets CONTENT_LENGTH $content_length."
            }
        };
        report.note(finding(
            "body-needs-length",
            "CGI-4.1.2-CL-IFF",
            "A body whose length is not told is answered differently: most likely the application reads it as empty (uploads of 0 octets).",
            cure,
        ));
    }
}
