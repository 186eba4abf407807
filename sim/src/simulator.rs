//! Starting and stopping a simulator.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::LARGEST_SCALE;
use crate::data::world::World;
use crate::error::{Error, Kind as ErrorKind};
use crate::overlay::Tenant;
use crate::samples::Samples;
use crate::server;
use crate::state::{Credentials, Source, State};

/// What a simulator is started with.
#[derive(Clone)]
pub struct Builder {
    port: u16,
    seed: u64,
    scale: u64,
    samples: Option<PathBuf>,
    username: String,
    password: String,
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("port", &self.port)
            .field("seed", &self.seed)
            .field("scale", &self.scale)
            .field("samples", &self.samples)
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

impl Builder {
    /// The port of 127.0.0.1 to listen on; 0, the default, takes a free one.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// The seed of the data; 1 by default.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The number of time entries, up to [`LARGEST_SCALE`]; 5,000 by default. The other entities follow in proportion.
    #[must_use]
    pub fn scale(mut self, scale: u64) -> Self {
        self.scale = scale;
        self
    }

    /// Serves the recorded answers of a folder (`TimeEntry.json`, `PostedInvoice.json` and so on, each one record or a list of
    /// them) instead of generated rows. An entity without a file has no rows.
    #[must_use]
    pub fn samples(mut self, folder: impl Into<PathBuf>) -> Self {
        self.samples = Some(folder.into());
        self
    }

    /// The user name (`company+publicKey`) and password (`privateKey`) that are let in; `simco+public` and `private` by
    /// default.
    #[must_use]
    pub fn credentials(mut self, username: impl Into<String>, password: impl Into<String>) -> Self {
        self.username = username.into();
        self.password = password.into();
        self
    }

    /// Starts the simulator on the current tokio runtime.
    ///
    /// # Errors
    /// The port can't be had, the scale is too large, or the samples can't be read.
    pub async fn start(self) -> Result<Simulator, Error> {
        if self.scale > LARGEST_SCALE {
            return Err(ErrorKind::ScaleTooLarge(self.scale).into());
        }
        let source = match &self.samples {
            Some(folder) => Source::Samples(Samples::read(folder)?),
            None => Source::Generated(Box::new(Tenant::new(World::new(self.seed, self.scale)))),
        };
        let port = self.port;
        let failed = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::AddrInUse => Error::from(ErrorKind::PortInUse(port)),
            _ => ErrorKind::Listen(port, error).into(),
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        // Without this small answers wait for the client's acknowledgement. A socket that refuses is slow, not wrong.
        let listener = listener.tap_io(|connection| drop(connection.set_nodelay(true)));
        let credentials = Credentials { username: self.username.clone(), password: self.password.clone() };
        let router = server::router(Arc::new(State::new(source, credentials)));
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(async move {
            // The future ends when the simulator is stopped or dropped; accept errors are retried within.
            let stopped = async { drop(stopped.await) };
            drop(axum::serve(listener, router).with_graceful_shutdown(stopped).await);
        });
        Ok(Simulator { address, username: self.username, password: self.password, stop: Some(stop), server })
    }
}

/// A running simulator. It stops when dropped.
pub struct Simulator {
    address: SocketAddr,
    username: String,
    password: String,
    /// Dropping it stops the server.
    stop: Option<oneshot::Sender<()>>,
    server: JoinHandle<()>,
}

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulator").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Simulator {
    /// What a simulator can be started with, all at its defaults.
    #[must_use]
    pub fn builder() -> Builder {
        Builder {
            port: 0,
            seed: 1,
            scale: 5_000,
            samples: None,
            username: "simco+public".to_owned(),
            password: "private".to_owned(),
        }
    }

    /// The root of the server, `http://127.0.0.1:PORT`; the simulator's own routes are below `/_sim` of it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The root of the API, `http://127.0.0.1:PORT/v4_6_release/apis/3.0`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}{}", self.address, server::ROOT)
    }

    /// The port that it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The user name that is let in, `company+publicKey`.
    #[must_use]
    pub fn username(&self) -> &str {
        &self.username
    }

    /// The password that is let in.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.password
    }

    /// Stops listening and waits until the open requests are answered.
    pub async fn shutdown(mut self) {
        self.stop = None;
        // An error here says that the server's task is gone, which is what was wanted.
        drop((&mut self.server).await);
    }
}
