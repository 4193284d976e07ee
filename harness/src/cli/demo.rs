//! `gatebench demo`: the teaching demo, as a page or as text.

use std::{io, net::SocketAddr};

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};

use super::{Verdict, run::block_on};
use crate::{
    demo::{Demo, Kit, Nginx, terminal},
    event::Silent,
    gateways,
    launch::{
        Engine, Via,
        choose::{Preference, Wish},
        leftovers::end_quietly,
        obtain, sweep,
        version::output,
    },
    programs::Programs,
};

#[derive(Args, Debug)]
pub(super) struct DemoArgs {
    /// Where the page is served; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7878")]
    listen: SocketAddr,
    /// Tell the lesson as text instead, for a lecture without a browser and for CI
    #[arg(long)]
    terminal: bool,
    /// What stands in front: nginx where it is installed, else the built-in gateway
    #[arg(long, value_enum, default_value_t = Front::Auto)]
    gateway: Front,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Front {
    Auto,
    Nginx,
    Builtin,
}

/// Serves the page until it is told to end, or tells the lesson.
pub(super) fn demo(args: &DemoArgs) -> anyhow::Result<Verdict> {
    block_on(async {
        let kit = kit(args.gateway).await?;
        if args.terminal {
            let whole = terminal::tell(kit, &mut io::stdout()).await?;
            return Ok(match whole {
                true => Verdict::Passed,
                false => Verdict::Incomplete,
            });
        }
        serve(args.listen, kit).await?;
        Ok(Verdict::Passed)
    })
}

async fn serve(listen: SocketAddr, kit: Kit) -> anyhow::Result<()> {
    let why = kit.why.clone();
    let demo = Demo::open(listen, kit).await?;
    let at = demo.address()?;
    end_quietly();
    println!("The demo is at http://{at}/ ({why}). Ctrl-C ends it and all that it started.");
    if !at.ip().is_loopback() {
        eprintln!(
            "warning: whoever reaches {at} can make this machine work; the demo is meant for 127.0.0.1"
        );
    }
    let (mut interrupt, mut terminate) = (
        signal(SignalKind::interrupt()).context("signals cannot be waited for")?,
        signal(SignalKind::terminate()).context("signals cannot be waited for")?,
    );
    demo.serve(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
    .await
}

/// What there is on this machine. A process starts sooner than a container, and here nobody is judged.
async fn kit(front: Front) -> anyhow::Result<Kit> {
    let programs = Programs::find()?;
    let engine = Engine::connect().await;
    sweep(engine.as_ref().ok()).await?;
    let builtin = |why: String| Kit {
        programs: programs.clone(),
        nginx: None,
        why,
    };
    if front == Front::Builtin {
        return Ok(builtin("the built-in gateway stands in front".to_owned()));
    }
    match nginx(&engine).await {
        Ok((nginx, version)) => Ok(Kit {
            programs,
            nginx: Some(nginx),
            why: format!("nginx {version} stands in front"),
        }),
        Err(error) if front == Front::Nginx => Err(error),
        Err(_) => Ok(builtin(
            "nginx is not installed here, so the built-in gateway stands in front".to_owned(),
        )),
    }
}

async fn nginx(
    engine: &Result<Engine, crate::launch::EngineError>,
) -> anyhow::Result<(Nginx, String)> {
    let wish = Wish {
        name: "nginx",
        program: "nginx",
        via: Preference::Process,
        ..Wish::default()
    };
    let obtained = obtain(&wish, engine, None, &mut Silent).await?;
    let via: Via = obtained.via;
    let about = output(&via, "nginx", &["-V"]).await?;
    let gateway = gateways::named("nginx").expect("the bench knows nginx");
    let version = gateway.version(&about).unwrap_or_default();
    Ok((Nginx { via, about }, version))
}
