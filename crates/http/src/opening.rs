//! Deadlines for the first bytes of a connection and for each write. Until the first bytes tell HTTP/1.1 from HTTP/2, neither's
//! own timers run, and a client that says nothing could hold a connection for good; so could one that reads nothing.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// How HTTP/2 begins.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A stream whose reads fail when the deadline passes before its version is known, and whose writes fail when nothing can be
/// written for as long.
pub struct Opening<S> {
    stream: S,
    patience: Duration,
    /// What else of the preface would have to come for it to be HTTP/2; `None` once that is decided.
    undecided: Option<(&'static [u8], Pin<Box<Sleep>>)>,
    /// When a write that waits for the client fails.
    stuck: Option<Pin<Box<Sleep>>>,
}

impl<S> Opening<S> {
    /// Gives the client so long to show which version it speaks, and to read some of what it is sent.
    pub fn new(stream: S, patience: Duration) -> Self {
        let undecided = Some((PREFACE, Box::pin(sleep(patience))));
        Self { stream, patience, undecided, stuck: None }
    }

    fn seen(&mut self, bytes: &[u8]) {
        self.undecided = self.undecided.take().and_then(|(expected, deadline)| {
            let rest = expected.strip_prefix(bytes)?;
            (!rest.is_empty() && !bytes.is_empty()).then_some((rest, deadline))
        });
    }

    fn is_late(&mut self, context: &mut Context<'_>) -> bool {
        self.undecided.as_mut().is_some_and(|(_, deadline)| deadline.as_mut().poll(context).is_ready())
    }

    fn written(
        &mut self,
        written: Poll<io::Result<usize>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.stuck = None;
            return written;
        }
        let deadline = self.stuck.get_or_insert_with(|| Box::pin(sleep(self.patience)));
        deadline.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Opening<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        match &read {
            Poll::Ready(_) => self.seen(&buffer.filled()[before..]),
            Poll::Pending if self.is_late(context) => {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            Poll::Pending => {}
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Opening<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.written(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.written(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    /// Whether a client that says this and nothing more is cut off.
    async fn is_cut_off(said: &[u8]) -> bool {
        let (mut client, server) = duplex(64);
        let mut server = Opening::new(server, Duration::from_millis(10));
        client.write_all(said).await.unwrap();
        let mut buffer = vec![0; said.len()];
        server.read_exact(&mut buffer).await.unwrap();
        let next = tokio::time::timeout(Duration::from_millis(100), server.read_u8()).await;
        next.is_ok_and(|read| read.is_err())
    }

    #[tokio::test(start_paused = true)]
    async fn who_reads_nothing_is_cut_off_and_who_reads_slowly_is_not() {
        let patience = Duration::from_secs(10);
        for (pause, is_cut_off) in [(patience * 9 / 10, false), (patience * 11 / 10, true)] {
            let (mut client, server) = duplex(64);
            let mut server = Opening::new(server, patience);
            let reading = async {
                loop {
                    sleep(pause).await;
                    client.read_exact(&mut [0; 8]).await.unwrap();
                }
            };
            let written = tokio::select! {
                written = server.write_all(&[0; 200]) => written,
                () = reading => unreachable!(),
            };
            assert_eq!(written.is_err(), is_cut_off, "{pause:?}");
        }
    }

    #[tokio::test]
    async fn only_who_leaves_the_version_open_is_cut_off() {
        for said in ["", "P", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r"] {
            assert!(is_cut_off(said.as_bytes()).await, "{said:?}");
        }
        for said in ["PO", "G", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "PRI * HTTP/1.1"] {
            assert!(!is_cut_off(said.as_bytes()).await, "{said:?}");
        }
    }
}
