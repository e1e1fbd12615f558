//! The `unkey-http` program: reads its settings, serves, and stops when told to.

use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use unkey_http::routes::Routes;
use unkey_http::server::{Listener, Server};
use unkey_http::settings::{Listen, Settings};
use unkey_http::{App, telemetry};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Failed = Box<dyn Error + Send + Sync>;

fn main() -> ExitCode {
    match run(&Settings::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(settings: &Settings) -> Result<(), Failed> {
    telemetry::start(settings.log_format, &settings.log)?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve(settings))
}

async fn serve(settings: &Settings) -> Result<(), Failed> {
    let app = Arc::new(App::new(settings)?);
    let stop = CancellationToken::new();
    let server =
        Server::new(settings.max_connections, settings.header_timeout, stop.clone(), app.open_connections());
    let mut accepting = JoinSet::new();
    for (listener, routes, place) in listeners(settings, &app).await? {
        accepting.spawn(server.clone().accept(listener, routes));
        eprintln!("unkey-http listens on {place}");
    }
    told_to_stop().await?;
    tracing::info!("finishing what was accepted");
    stop.cancel();
    let finished = async {
        accepting.join_all().await;
        server.finish().await;
        app.finish().await;
    };
    timeout(settings.shutdown_grace, finished)
        .await
        .map_err(|_| "what was accepted could not be finished in time")?;
    Ok(())
}

/// What to listen on, and what is answered there.
async fn listeners(settings: &Settings, app: &Arc<App>) -> Result<Vec<(Listener, Routes, String)>, Failed> {
    let mut listeners = Vec::new();
    let public = Routes::public(app, settings)?;
    if let Some(address) = settings.admin_listen {
        let (listener, place) = tcp(address).await?;
        listeners.push((listener, Routes::admin(app), place));
    }
    if let Listen::Address(address) = settings.listen {
        let (listener, place) = tcp(address).await?;
        listeners.push((listener, public.clone(), place));
    }
    if let Some(path) = &settings.unix_socket {
        let listener =
            Listener::unix(path).map_err(|error| format!("can't listen on {}: {error}", path.display()))?;
        listeners.push((listener, public, path.display().to_string()));
    }
    Ok(listeners)
}

/// A socket that listens there, and where that is: port 0 stands for any that is free.
async fn tcp(address: SocketAddr) -> Result<(Listener, String), Failed> {
    let listener =
        Listener::tcp(address).await.map_err(|error| format!("can't listen on {address}: {error}"))?;
    let place = format!("http://{}", listener.address().unwrap_or(address));
    Ok((listener, place))
}

async fn told_to_stop() -> std::io::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
