//! The page and what it asks, as HTTP.

use std::{convert::Infallible, sync::Arc};

use axum::{
    Json, Router,
    extract::{Path, Query, Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response, Sse, sse},
    routing::{get, post},
};
use futures_util::{Stream, stream};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    breaks,
    load::Wish,
    send::Ask,
    stage::{Refusal, Stage},
    way::{App, Way},
};

/// The files of the page: path, type, contents.
const FILES: [(&str, &str, &str); 11] = [
    (
        "/",
        "text/html; charset=utf-8",
        include_str!("page/index.html"),
    ),
    (
        "/style.css",
        "text/css; charset=utf-8",
        include_str!("page/style.css"),
    ),
    (
        "/main.js",
        "text/javascript; charset=utf-8",
        include_str!("page/main.js"),
    ),
    (
        "/one.js",
        "text/javascript; charset=utf-8",
        include_str!("page/one.js"),
    ),
    (
        "/bytes.js",
        "text/javascript; charset=utf-8",
        include_str!("page/bytes.js"),
    ),
    (
        "/many.js",
        "text/javascript; charset=utf-8",
        include_str!("page/many.js"),
    ),
    (
        "/breaks.js",
        "text/javascript; charset=utf-8",
        include_str!("page/breaks.js"),
    ),
    (
        "/lesson.js",
        "text/javascript; charset=utf-8",
        include_str!("page/lesson.js"),
    ),
    (
        "/words.js",
        "text/javascript; charset=utf-8",
        include_str!("page/words.js"),
    ),
    (
        "/words-en.js",
        "text/javascript; charset=utf-8",
        include_str!("page/words-en.js"),
    ),
    (
        "/words-zh.js",
        "text/javascript; charset=utf-8",
        include_str!("page/words-zh.js"),
    ),
];

/// All routes.
pub(super) fn routes(stage: Arc<Stage>) -> Router {
    let mut router = Router::new();
    for (path, kind, text) in FILES {
        let file = move || async move {
            let policy =
                "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:";
            let fields = [
                (header::CONTENT_TYPE, kind),
                (header::CACHE_CONTROL, "no-cache"),
                (header::CONTENT_SECURITY_POLICY, policy),
            ];
            (fields, text)
        };
        router = router.route(path, get(file));
    }
    router
        .route("/api/about", get(about))
        .route("/api/send", post(send))
        .route("/api/shown", get(shown))
        .route(
            "/api/load",
            post(begin_load).patch(change_load).delete(end_load),
        )
        .route("/api/load/moments", get(moments))
        .route("/api/breaks/{id}", post(play))
        .layer(middleware::from_fn(own_pages_only))
        .with_state(stage)
}

/// A page of another site must not start processes here: its name may resolve to this machine,
/// but the browser still says which name it asked for.
async fn own_pages_only(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST);
    let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|octet| octet.is_ascii_digit()) => name,
        _ => host,
    };
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    let is_own = name == "localhost" || bare.parse::<std::net::IpAddr>().is_ok();
    match is_own {
        true => next.run(request).await,
        false => (
            StatusCode::FORBIDDEN,
            "the demo answers to its address and to localhost only\n",
        )
            .into_response(),
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = match self {
            Self::Asked(_) => StatusCode::BAD_REQUEST,
            Self::Failed(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        (status, Json(json!({ "error": self.to_string() }))).into_response()
    }
}

async fn about(State(stage): State<Arc<Stage>>) -> Json<Value> {
    let troubles = breaks::TROUBLES.iter().map(|trouble| {
        let options = Way::ALL.map(|way| (way.word().to_owned(), json!((trouble.option)(way))));
        json!({ "id": trouble.id, "options": serde_json::Map::from_iter(options) })
    });
    Json(json!({
        "gatebench": env!("CARGO_PKG_VERSION"),
        "gateway": match stage.kit.nginx { Some(_) => "nginx", None => "gateserve" },
        "why": stage.kit.why,
        "cpus": std::thread::available_parallelism().map_or(1, usize::from),
        "ways": Way::ALL,
        "apps": App::ALL,
        "troubles": troubles.collect::<Vec<_>>(),
    }))
}

/// What the first panel asks for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SendAsked {
    way: Way,
    app: App,
    #[serde(default)]
    rest: String,
    #[serde(default)]
    body: String,
}

/// Longest body that a visitor may send.
const BODY_MAX: usize = 16 * 1024;

async fn send(
    State(stage): State<Arc<Stage>>,
    Json(asked): Json<SendAsked>,
) -> Result<Response, Refusal> {
    let SendAsked {
        way,
        app,
        rest,
        body,
    } = asked;
    let is_path = rest.is_empty() || rest.starts_with(['/', '?']);
    if !is_path || rest.len() > 2000 || rest.bytes().any(|octet| octet <= b' ' || octet >= 127) {
        let why =
            "what follows /app begins with / or ? and has neither spaces nor letters beyond ASCII";
        return Err(Refusal::Asked(why.to_owned()));
    }
    if body.len() > BODY_MAX {
        return Err(Refusal::Asked(format!(
            "a body has at most {BODY_MAX} octets here"
        )));
    }
    let ask = Ask {
        method: if body.is_empty() { "GET" } else { "POST" }.to_owned(),
        rest,
        body,
    };
    Ok(Json(stage.send(way, app, &ask).await?).into_response())
}

#[derive(Deserialize)]
struct ShownAsked {
    way: Way,
    app: App,
}

async fn shown(
    State(stage): State<Arc<Stage>>,
    Query(ShownAsked { way, app }): Query<ShownAsked>,
) -> Result<Response, Refusal> {
    Ok(Json(stage.shown(way, app).await?).into_response())
}

async fn begin_load(
    State(stage): State<Arc<Stage>>,
    Json(wish): Json<Wish>,
) -> Result<StatusCode, Refusal> {
    stage
        .begin_load(wish)
        .await
        .map(|()| StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    connections: u32,
    rate: u32,
}

async fn change_load(
    State(stage): State<Arc<Stage>>,
    Json(Change { connections, rate }): Json<Change>,
) -> Result<StatusCode, Refusal> {
    let changed = stage.change_load(connections, rate).await;
    changed.map(|()| StatusCode::NO_CONTENT)
}

async fn end_load(State(stage): State<Arc<Stage>>) -> StatusCode {
    stage.end_load().await;
    StatusCode::NO_CONTENT
}

/// A moment about twice a second, until the load ends.
async fn moments(
    State(stage): State<Arc<Stage>>,
) -> Result<Sse<impl Stream<Item = Result<sse::Event, Infallible>>>, Refusal> {
    let receiver = stage.moments().await;
    let receiver = receiver.ok_or_else(|| Refusal::Asked("no load runs".to_owned()))?;
    let told = stream::unfold((receiver, false), |(mut receiver, over)| async move {
        if over || receiver.changed().await.is_err() {
            return None;
        }
        let moment = receiver.borrow_and_update().clone();
        let over = moment.ended.is_some();
        let event = sse::Event::default().json_data(&moment);
        Some((Ok(event.unwrap_or_default()), (receiver, over)))
    });
    Ok(Sse::new(told).keep_alive(sse::KeepAlive::default()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlayAsked {
    way: Way,
    #[serde(default)]
    mended: bool,
}

async fn play(
    State(stage): State<Arc<Stage>>,
    Path(id): Path<String>,
    Json(PlayAsked { way, mended }): Json<PlayAsked>,
) -> Result<Response, Refusal> {
    Ok(Json(stage.play(&id, way, mended).await?).into_response())
}
