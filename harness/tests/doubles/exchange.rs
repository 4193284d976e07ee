//! One request and its reply: starts the program, feeds it, passes its output on.

use gatebench::{model::Model, scenario::text::latin1, witness::Received};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
};
use wire::{
    environ::Environ,
    http::{Framing, Header, RequestHead},
};

use super::{
    Setting, Site, asked,
    asked::Asked,
    body::Body,
    connection::{Connection, Trouble},
    incoming::Incoming,
    mount, program,
    reply::{Answered, Output},
};

/// Answers one request; whether the connection may go on.
pub(super) async fn answer(
    connection: &mut Connection,
    mut head: RequestHead,
) -> Result<bool, Trouble> {
    let setting = connection.site.setting();
    setting.head(&mut head);
    setting.refuse(&head)?;
    let mut body = Body::new(head.framing()?);
    let mut asked = ask(connection, head, &mut body).await?;
    for _ in 0..=setting.conduct.redirects {
        match once(connection, &asked, &mut body, &setting).await? {
            Answered::Sent(stays) => return Ok(stays),
            Answered::Redirect(location) => asked = redirected(asked, location)?,
        }
    }
    Err(Trouble::Refuse(500))
}

/// Finds out all that the meta-variables need.
async fn ask(
    connection: &mut Connection,
    head: RequestHead,
    body: &mut Body,
) -> Result<Asked, Trouble> {
    let site = &connection.site;
    let path = asked::split(&head, mount(site.model))?;
    let (client, listen) = (connection.client, site.listen);
    if head.expects_continue() {
        connection.outgoing.interim(100).await?;
    }
    let length = match head.framing()? {
        Framing::Length(length) => Some(length),
        // CGI-4.2-DECHUNK: the length of a chunked body is known when all of it is there.
        Framing::Chunked => Some(body.keep(&mut connection.incoming).await?),
        Framing::None | Framing::UntilClose => None,
    };
    Ok(Asked {
        head,
        path,
        length,
        client,
        listen,
    })
}

/// Runs the program once.
async fn once(
    connection: &mut Connection,
    asked: &Asked,
    body: &mut Body,
    setting: &Setting,
) -> Result<Answered, Trouble> {
    let Connection {
        site,
        incoming,
        outgoing,
        ..
    } = connection;
    let mut environ = asked.environ()?;
    setting.environ(&mut environ, asked);
    let mut report = asked.report(site.model, &environ);
    setting.start(&mut report, asked);
    site.note(&environ, asked.length);
    let program = program::start(report)?;
    let output = Output {
        request: &asked.head,
        setting,
        redirects: matches!(site.model, Model::Cgi | Model::FastCgi | Model::Scgi),
        stdout: program.stdout,
        ending: program.ending,
    };
    let (_, fed, answered) = tokio::join!(
        log(program.stderr, site),
        feed(body, incoming, program.stdin),
        output.pass(outgoing),
    );
    let answered = answered?;
    fed?;
    Ok(answered)
}

/// Passes the request body on as it comes, and reads the rest where the program takes no more.
async fn feed(
    body: &mut Body,
    incoming: &mut Incoming,
    mut stdin: UnixStream,
) -> Result<(), Trouble> {
    let mut takes_more = true;
    while let Some(piece) = body.next(incoming).await? {
        takes_more = takes_more && stdin.write_all(&piece).await.is_ok();
    }
    Ok(())
}

/// What the program says on stderr goes to the gateway's log.
async fn log(mut stderr: UnixStream, site: &Site) {
    let mut octets = vec![0; 8192];
    while let Ok(size @ 1..) = stderr.read(&mut octets).await {
        let text = latin1(&octets[..size]);
        site.diary().process.gateway_log.push_str(&text);
    }
}

/// The request for the path of a local redirect: without a body (CGI-6.2.2-LOCAL-REDIR).
fn redirected(from: Asked, location: bytes::Bytes) -> Result<Asked, Trouble> {
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
        self.diary().received.push(Received {
            params,
            body_size: length.unwrap_or_default(),
        });
    }
}
