//! Connections of clients: accepting, serving, and ending them.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use prometheus_client::metrics::gauge::Gauge;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::client_address::Peer;
use crate::idle::Requests;
use crate::opening::Opening;
use crate::routes::Routes;

/// Longest head of a request, in bytes.
const HEAD_LIMIT: usize = 64 * 1024;
/// When accepting fails (out of file descriptors, say), trying again at once would only heat the processor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A socket that listens.
pub enum Listener {
    /// On an address.
    Tcp(TcpListener),
    /// On a path.
    Unix(UnixListener),
}

/// Serves connections until it is told to stop.
#[derive(Clone)]
pub struct Server {
    builder: Arc<Builder<TokioExecutor>>,
    header_timeout: Duration,
    permits: Arc<Semaphore>,
    serving: TaskTracker,
    stop: CancellationToken,
    connections: Gauge,
}

impl Listener {
    /// Listens on the path, in the place of a socket that nobody listens on any more.
    ///
    /// # Errors
    /// If somebody does, or the path is no place for a socket.
    pub fn unix(path: &Path) -> io::Result<Self> {
        match std::os::unix::net::UnixStream::connect(path) {
            Ok(_) => return Err(io::Error::new(io::ErrorKind::AddrInUse, "another process listens there")),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(path)?,
            Err(_) => {}
        }
        UnixListener::bind(path).map(Self::Unix)
    }

    /// The address it listens on, if it is one.
    pub fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(listener) => listener.local_addr().ok(),
            Self::Unix(_) => None,
        }
    }

    /// Listens on the address.
    ///
    /// # Errors
    /// What the system says.
    pub async fn tcp(address: SocketAddr) -> io::Result<Self> {
        TcpListener::bind(address).await.map(Self::Tcp)
    }
}

impl Server {
    /// A server of at most `connections` connections, which ends when `stop` is cancelled.
    pub fn new(connections: usize, header_timeout: Duration, stop: CancellationToken, open: Gauge) -> Self {
        let mut builder = Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(header_timeout).max_buf_size(HEAD_LIMIT);
        builder
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(header_timeout)
            .max_header_list_size(u32::try_from(HEAD_LIMIT).unwrap_or(u32::MAX));
        Self {
            builder: Arc::new(builder),
            header_timeout,
            permits: Arc::new(Semaphore::new(connections.min(Semaphore::MAX_PERMITS))),
            serving: TaskTracker::new(),
            stop,
            connections: open,
        }
    }

    /// Accepts until told to stop.
    pub async fn accept(self, listener: Listener, routes: Routes) {
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                accepted = self.accept_one(&listener, &routes) => {
                    if let Err(error) = accepted {
                        tracing::warn!(%error, "a connection could not be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                }
            }
        }
    }

    /// Waits until every connection has had its answer.
    pub async fn finish(self) {
        self.serving.close();
        self.serving.wait().await;
    }

    async fn accept_one(&self, listener: &Listener, routes: &Routes) -> io::Result<()> {
        let permit = self.permits.clone().acquire_owned().await.map_err(io::Error::other)?;
        match listener {
            Listener::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                stream.set_nodelay(true)?;
                self.serve(stream, Some(address.ip()), routes, permit);
            }
            Listener::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                self.serve(stream, None, routes, permit);
            }
        }
        Ok(())
    }

    fn serve<S>(&self, stream: S, peer: Peer, routes: &Routes, permit: OwnedSemaphorePermit)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let routes = routes.clone();
        let requests = Arc::new(Requests::default());
        let going_on = requests.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let going_on = going_on.begin();
            let answer = routes.clone().answer(peer, request.map(Body::new));
            async move {
                let answer = answer.await;
                drop(going_on);
                Ok::<_, Infallible>(answer)
            }
        });
        let stream = Opening::new(stream, self.header_timeout);
        let builder = self.builder.clone();
        let (stop, header_timeout) = (self.stop.clone(), self.header_timeout);
        let open = Open::new(&self.connections);
        self.serving.spawn(async move {
            let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
            let ended = tokio::select! {
                biased;
                ended = connection.as_mut() => ended,
                () = either(stop.cancelled(), requests.idle(header_timeout)) => {
                    // What was asked is answered first.
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended early");
            }
            drop((permit, open));
        });
    }
}

async fn either(one: impl Future<Output = ()>, other: impl Future<Output = ()>) {
    tokio::select! {
        () = one => {}
        () = other => {}
    }
}

/// Counts an open connection for as long as it exists.
struct Open(Gauge);

impl Open {
    fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}
