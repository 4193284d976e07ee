//! One request and its reply: starts the program, feeds it, passes its output on.

use bytes::Bytes;
use gatebench::{
    model::Model,
    scenario::{AUTH_FOLDER, text::latin1},
    witness::Received,
};
use probe::Report;
use tokio::{io::AsyncReadExt, net::UnixStream, sync::oneshot};
use wire::{
    environ::Environ,
    http::{Header, RequestHead},
};

use super::{
    Setting, Site, asked,
    asked::Asked,
    body::Body,
    conduct::Conduct,
    connection::{Connection, Trouble},
    gateway::{self, Order},
    mount,
    output::{Others, Output},
    program,
    reply::Answered,
    user,
};

/// The most local redirects that one request may take: two scripts that point at each other would
/// never end.
const REDIRECTS: u32 = 10;

/// Where the probe is mounted as an NPH script.
const NPH_MOUNT: &str = "/cgi-bin/nph-probe";

fn is_nph(head: &RequestHead, model: Model) -> bool {
    model == Model::Cgi && head.target.starts_with(NPH_MOUNT.as_bytes())
}

/// Answers one request; whether the connection may go on.
pub(super) async fn answer(
    connection: &mut Connection,
    sent: RequestHead,
    setting: &Setting,
) -> Result<bool, Trouble> {
    let mut setting = setting.clone();
    if is_nph(&sent, connection.site.model) {
        setting.conduct = setting.conduct.of_nph();
    }
    let setting = &setting;
    let mut head = sent.clone();
    setting.head(&mut head);
    setting.answer(&head)?;
    let mut body = Body::new(head.framing()?);
    let mut asked = ask(connection, sent, head, &mut body, &setting.conduct).await?;
    for _ in 0..=REDIRECTS {
        match once(connection, &asked, &mut body, setting).await? {
            Answered::Sent(stays) => return Ok(stays),
            Answered::Redirect(location) => asked = redirected(asked, location)?,
        }
    }
    Err(Trouble::Answer(500))
}

/// Finds out all that the meta-variables need.
async fn ask(
    connection: &mut Connection,
    sent: RequestHead,
    head: RequestHead,
    body: &mut Body,
    conduct: &Conduct,
) -> Result<Asked, Trouble> {
    let (model, listen) = (connection.site.model, connection.site.listen);
    let at = match is_nph(&head, model) {
        true => NPH_MOUNT,
        false => mount(model),
    };
    let user = user::check(&head, conduct)?;
    let behind = format!("{AUTH_FOLDER}{at}");
    let at = if user.is_asked { &behind } else { at };
    let (head, path) = asked::find(head, at, conduct)?;
    if head.expects_continue() && conduct.continues {
        connection.outgoing.interim(100).await?;
    }
    Ok(Asked {
        model,
        sent,
        head,
        path,
        length: body.length(&mut connection.incoming, conduct).await?,
        client: connection.client,
        listen,
        user,
    })
}

/// Runs the program once.
async fn once(
    connection: &mut Connection,
    asked: &Asked,
    body: &mut Body,
    setting: &Setting,
) -> Result<Answered, Trouble> {
    let (site, incoming) = (&connection.site, &mut connection.incoming);
    let mut environ = asked.environ()?;
    if site.behind.is_some() {
        gateway::add_variables(&mut environ, asked);
    }
    setting.environ(&mut environ, asked);
    let mut report = asked.report(&environ);
    setting.start(&mut report, asked);
    site.note(&environ, asked.length);
    let program = match &site.behind {
        None => program::start(report)?,
        Some(upstream) => upstream.start(order(asked, environ, report, setting))?,
    };
    let ((tell_fed, fed), (tell_errors, errors)) = (oneshot::channel(), oneshot::channel());
    if asked.user.is_late() {
        drop(program.stdin);
        program.ending.await.ok();
        return Err(Trouble::Answer(401));
    }
    let others = Others {
        ending: program.ending,
        fed,
        errors,
    };
    let logging = async {
        let is_raw = setting.conduct.logs_raw;
        tell_errors
            .send(log(program.stderr, site, is_raw).await)
            .ok();
        Ok(())
    };
    let feeding = async {
        let took_all = body.feed(incoming, program.stdin, &setting.conduct).await?;
        tell_fed.send(took_all).ok();
        Ok(())
    };
    let output = Output::new(asked, setting, program.stdout, others);
    let passing = output.pass(&mut connection.outgoing);
    let ((), (), answered) = tokio::try_join!(logging, feeding, passing)?;
    Ok(answered)
}

fn order(asked: &Asked, environ: Environ, report: Report, setting: &Setting) -> Order {
    let words = report.argv.into_iter().flatten().skip(1);
    Order {
        model: asked.model,
        environ,
        head: asked.head.clone(),
        length: asked.length,
        words: words.collect(),
        habits: setting.habits.clone(),
    }
}

/// What the program says on its error stream goes to the gateway's log, as it comes: a line a read,
/// in which nothing can pass for the end of the line (DF-LOG-INJECTION).
async fn log(mut stderr: UnixStream, site: &Site, is_raw: bool) -> Vec<u8> {
    let (mut said, mut logged) = (Vec::new(), 0);
    while let Ok(1..) = stderr.read_buf(&mut said).await {
        let text = match is_raw {
            true => latin1(&said[logged..]),
            false => format!("program: {}\n", said[logged..].escape_ascii()),
        };
        site.diary().process.gateway_log.push_str(&text);
        logged = said.len();
    }
    said
}

/// The request for the path of a local redirect: without a body (CGI-6.2.2-LOCAL-REDIR).
fn redirected(from: Asked, location: Bytes) -> Result<Asked, Trouble> {
    let about_body = |field: &Header| {
        [
            "content-length",
            "content-type",
            "transfer-encoding",
            "expect",
        ]
        .iter()
        .any(|name| field.is(name))
    };
    let mut head = from.head;
    head.headers.retain(|field| !about_body(field));
    head.target = location;
    if head.method != "HEAD" {
        head.method = "GET".into();
    }
    let script = latin1(&from.path.script_name);
    let path = asked::split(&head, &script)?;
    Ok(Asked {
        sent: head.clone(),
        head,
        path,
        length: None,
        ..from
    })
}

impl Site {
    /// Writes down what would go over the wire to a backend.
    fn note(&self, environ: &Environ, length: Option<u64>) {
        let params = environ
            .iter()
            .map(|(name, value)| (latin1(name), latin1(value)))
            .collect();
        let body_size = length.unwrap_or_default();
        let received = Received { params, body_size };
        let is_post = environ.text("REQUEST_METHOD") == Some("POST");
        let times = if is_post && self.setting().conduct.asks_twice {
            2
        } else {
            1
        };
        self.diary()
            .received
            .extend(std::iter::repeat_n(received, times));
    }
}
