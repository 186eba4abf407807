//! Connections: refused as they are made, or closed in the middle of everything, where a fault says so.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use crate::state::State;

/// The listening socket.
pub(crate) struct Wires {
    listener: TcpListener,
    state: Arc<State>,
}

impl Wires {
    pub(crate) fn new(listener: TcpListener, state: Arc<State>) -> Self {
        Self { listener, state }
    }
}

impl Listener for Wires {
    type Io = Wire;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Wire, SocketAddr) {
        loop {
            let (stream, address) = Listener::accept(&mut self.listener).await;
            if self.state.faults().refuses() {
                // Without lingering the other side sees a reset. A socket that can't be told is closed all the same.
                drop(stream.set_zero_linger());
                continue;
            }
            // Without this small answers wait for the client's acknowledgement. A socket that refuses is slow, not wrong.
            drop(stream.set_nodelay(true));
            return (Wire { stream, severed: Severer::default() }, address);
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Listener::local_addr(&self.listener)
    }
}

/// A connection that can be severed from within a request.
pub(crate) struct Wire {
    stream: TcpStream,
    severed: Severer,
}

/// Ends a connection before its answer is written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Severer(Arc<AtomicBool>);

impl Severer {
    pub(crate) fn sever(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Connected<IncomingStream<'_, Wires>> for Severer {
    fn connect_info(stream: IncomingStream<'_, Wires>) -> Self {
        stream.io().severed.clone()
    }
}

impl Wire {
    fn check(&self) -> io::Result<()> {
        if self.severed.0.load(Ordering::Relaxed) {
            return Err(io::Error::new(io::ErrorKind::ConnectionReset, "closed by a fault rule"));
        }
        Ok(())
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
