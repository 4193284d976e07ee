//! Plays a trouble: starts a site that is set up for it, lets the clients come, reads the logs.

use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{Client, Played, Setting, Trouble, Wave};
use crate::demo::{
    machine,
    send::{Ask, request},
    site::{Kit, Order, Site, SiteError},
    tree::{self, Process},
    way::{App, Way},
};

/// How long a client waits at most.
const WITHIN: Duration = Duration::from_secs(8);

/// How long the logs may take to be written after the last reply.
const SETTLE: Duration = Duration::from_millis(300);

/// Between a wave that the next one does not wait for and that next one.
const HEAD_START: Duration = Duration::from_millis(100);

/// Plays it one way.
pub(crate) async fn play(
    kit: &Kit,
    trouble: &'static Trouble,
    way: Way,
    mended: bool,
) -> Result<Played, SiteError> {
    let Setting {
        processes,
        keep,
        options,
    } = match mended {
        true => (trouble.mended)(way),
        false => (trouble.broken)(way),
    };
    let order = Order {
        processes,
        keep,
        options: options.into_iter().map(str::to_owned).collect(),
        ..Order::new(way, App::Python)
    };
    let mut site = Site::start(kit, order).await?;
    // Interpreters are warm, and what the start logged is not the trouble's.
    warm_up(&site).await;
    site.logs();
    let before = tree::tree(&site.roots());
    let clients = waves(&site, trouble.waves).await;
    sleep(SETTLE).await;
    let after = tree::tree(&site.roots());
    let [gateway, server] = site.logs();
    let played = Played {
        trouble: trouble.id,
        way,
        mended,
        option: (trouble.option)(way),
        clients,
        logs: vec![
            ("gateway".to_owned(), gateway),
            ("gateserve".to_owned(), server),
        ],
        memory: memory(&after),
        before,
        after,
        shown: site.shown().to_vec(),
    };
    site.stop().await;
    Ok(played)
}

/// Of all the server's processes together.
fn memory(tree: &[Process]) -> Option<u64> {
    let server = tree.iter().filter(|process| process.side == "server");
    server.map(|process| machine::pss(process.pid)).sum()
}

async fn warm_up(site: &Site) {
    let began = Instant::now();
    client(site.listen, began, 0, Wave::of(1, "?show=1")).await;
}

async fn waves(site: &Site, waves: &'static [Wave]) -> Vec<Client> {
    let began = Instant::now();
    let (mut clients, mut under_way) = (Vec::new(), JoinSet::new());
    for (number, wave) in waves.iter().enumerate() {
        let mut own = JoinSet::new();
        for _ in 0..wave.count {
            let (to, wave) = (site.listen, *wave);
            match wave.meanwhile {
                true => under_way.spawn(client(to, began, number, wave)),
                false => own.spawn(client(to, began, number, wave)),
            };
        }
        if wave.meanwhile {
            sleep(HEAD_START).await;
        }
        clients.extend(own.join_all().await);
    }
    clients.extend(under_way.join_all().await);
    clients.sort_by(|a, b| {
        (a.wave, a.took_ms)
            .partial_cmp(&(b.wave, b.took_ms))
            .expect("times are numbers")
    });
    clients
}

async fn client(to: std::net::SocketAddr, began: Instant, number: usize, wave: Wave) -> Client {
    let from = Instant::now();
    let limit = wave.hang_up.map_or(WITHIN, Duration::from_millis);
    let got = timeout(limit, ask(to, wave)).await;
    let (octets, trouble) = match got {
        Ok(Ok(octets)) => (octets, None),
        Ok(Err(error)) => (Vec::new(), Some(error.to_string())),
        Err(_) if wave.hang_up.is_some() => (Vec::new(), Some("hung up".to_owned())),
        Err(_) => (
            Vec::new(),
            Some(format!("no reply within {} s", WITHIN.as_secs())),
        ),
    };
    let text = String::from_utf8_lossy(&octets);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
    let told: Value = serde_json::from_str(body).unwrap_or_default();
    let ms = |time: Duration| (time.as_secs_f64() * 10_000.0).round() / 10.0;
    Client {
        wave: number,
        query: wave.query,
        from_ms: ms(from - began),
        took_ms: ms(from.elapsed()),
        status,
        pid: told["pid"].as_i64(),
        served: told["served"].as_i64(),
        trouble: trouble.or_else(|| {
            status
                .is_none()
                .then(|| "closed without a reply".to_owned())
        }),
    }
}

async fn ask(to: std::net::SocketAddr, wave: Wave) -> std::io::Result<Vec<u8>> {
    let cookie = match wave.cookie {
        0 => String::new(),
        size => format!("Cookie: session={}\r\n", "x".repeat(size)),
    };
    let asked = Ask {
        method: "GET".to_owned(),
        rest: wave.query.to_owned(),
        body: String::new(),
    };
    let fields = format!("Connection: close\r\n{cookie}");
    let mut stream = TcpStream::connect(to).await?;
    stream
        .write_all(&request(&to.to_string(), &asked, &fields))
        .await?;
    let mut octets = Vec::new();
    // A reply is small; what is more is not read.
    stream.take(1 << 20).read_to_end(&mut octets).await?;
    Ok(octets)
}
