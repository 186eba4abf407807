//! Starting and stopping a simulator.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use crate::LARGEST_SCALE;
use crate::callbacks::{self, Callbacks};
use crate::data::world::World;
use crate::document::{Document, Release};
use crate::error::{Error, Kind as ErrorKind, unreadable};
use crate::faults;
use crate::latency::Latency;
use crate::role::Role;
use crate::samples::Samples;
use crate::server;
use crate::state::{Credentials, Source, State};
use crate::switches::Switches;
use crate::tenant::Tenant;
use crate::wire::{Severer, Wires};

/// What a simulator is started with.
#[derive(Clone)]
pub struct Builder {
    port: u16,
    seed: u64,
    scale: u64,
    samples: Option<PathBuf>,
    username: String,
    password: String,
    release: String,
    document: Option<PathBuf>,
    role: String,
    faults: Option<PathBuf>,
    strange: u64,
    switches: Vec<String>,
    callback_waits: [Duration; 2],
    latency: Latency,
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("port", &self.port)
            .field("seed", &self.seed)
            .field("scale", &self.scale)
            .field("samples", &self.samples)
            .field("username", &self.username)
            .field("release", &self.release)
            .field("document", &self.document)
            .field("role", &self.role)
            .field("faults", &self.faults)
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

    /// The release whose shapes are served: by default that of the interface document in the program; one before it, where the
    /// facts tell the way back to it; with [`document`](Self::document) any.
    #[must_use]
    pub fn api_version(mut self, release: impl Into<String>) -> Self {
        self.release = release.into();
        self
    }

    /// Serves the resources of another interface document (OpenAPI 3.0 as JSON) than the one in the program.
    #[must_use]
    pub fn document(mut self, file: impl Into<PathBuf>) -> Self {
        self.document = Some(file.into());
        self
    }

    /// The security role of those who ask: `full`, the default, `mine` (the rows of the member whose key it is, and no error),
    /// `without:<path>=<id>` (all rows but those with that value, as `without:location/id=2`, and no error), `no-info` (rows
    /// without `_info`), `no-members` (`/system/members` is not found), `no-<module>` (403), or several with commas between.
    #[must_use]
    pub fn role(mut self, role: impl Into<String>) -> Self {
        self.role = role.into();
        self
    }

    /// Starts with the fault rules of a script, TOML or JSON.
    #[must_use]
    pub fn faults(mut self, script: impl Into<PathBuf>) -> Self {
        self.faults = Some(script.into());
        self
    }

    /// Of 10,000 rows so many have a property that the interface document doesn't know, and as many of their enumerations a
    /// member that it doesn't; none by default.
    #[must_use]
    pub fn unknown_to_document(mut self, share: u64) -> Self {
        self.strange = share.min(10_000);
        self
    }

    /// Sets a switch, `name=value`: where the facts about the API are uncertain, there is one, and the harsher behaviour is in
    /// force. [`switches`] tells them all.
    #[must_use]
    pub fn switch(mut self, switch: impl Into<String>) -> Self {
        self.switches.push(switch.into());
        self
    }

    /// The waits before the second and third attempt to deliver a callback; 2 and 4 seconds by default, as documented.
    #[must_use]
    pub fn callback_waits(mut self, waits: [Duration; 2]) -> Self {
        self.callback_waits = waits;
        self
    }

    /// How long answers are on their way: so long for a request, within a quarter of it to either side as the seed draws it, and
    /// so long for each row that the answer shows; none by default. `/_sim` answers at once. Up to an hour.
    #[must_use]
    pub fn latency(mut self, per_request: Duration, per_row: Duration) -> Self {
        self.latency = Latency { per_request, per_row };
        self
    }

    /// Starts the simulator on the current tokio runtime.
    ///
    /// # Errors
    /// The port can't be had, the scale is too large, or the samples, the document, the role or the script can't be used.
    pub async fn start(self) -> Result<Simulator, Error> {
        if self.scale > LARGEST_SCALE {
            return Err(ErrorKind::ScaleTooLarge(self.scale).into());
        }
        let release = Release::parse(&self.release).ok_or_else(|| ErrorKind::UnknownRelease(self.release.clone()))?;
        let document = match &self.document {
            Some(file) => Document::from_file(file, release)?,
            None => Document::of(release)?,
        };
        let source = match &self.samples {
            Some(folder) => Source::Samples(Samples::read(folder)?),
            None => {
                let mut world = World::new(self.seed, self.scale, document);
                world.strange = self.strange;
                Source::Generated(Box::new(Tenant::new(world)))
            }
        };
        let mut switches = Switches::default();
        for switch in &self.switches {
            switches.set_word(switch).map_err(ErrorKind::BadSwitch)?;
        }
        let role = Role::parse(&self.role).map_err(ErrorKind::UnknownRole)?;
        let rules = match &self.faults {
            None => Vec::new(),
            Some(script) => {
                let bad = |reason: String| ErrorKind::BadFaults(script.clone(), reason);
                faults::read(&crate::input::read(script).map_err(|error| bad(unreadable(&error)))?).map_err(bad)?
            }
        };
        let port = self.port;
        let failed = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::AddrInUse => Error::from(ErrorKind::PortInUse(port)),
            _ => ErrorKind::Listen(port, error).into(),
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let credentials = Credentials { username: self.username.clone(), password: self.password.clone() };
        let (callbacks, post) = Callbacks::new(self.seed, self.callback_waits);
        let (stopping, is_stopping) = watch::channel(false);
        let state = Arc::new(State::new(source, credentials, document, callbacks, is_stopping.clone()));
        state.set_role(role);
        state.set_switches(switches);
        state.set_latency(self.latency);
        rules.into_iter().for_each(|rule| state.faults().add(rule));
        state.callbacks.listen_at(format!("http://{address}"));
        let service = server::router(Arc::clone(&state)).into_make_service_with_connect_info::<Severer>();
        let listener = Wires::new(listener, Arc::clone(&state));
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(callbacks::run(Arc::clone(&state), post, is_stopping));
        let server = tokio::spawn(async move {
            // The future ends when the simulator is stopped or dropped; accept errors are retried within.
            let stopped = async move {
                drop(stopped.await);
                // Whoever listened for this is gone already if nobody does.
                let _ = stopping.send(true);
            };
            drop(axum::serve(listener, service).with_graceful_shutdown(stopped).await);
        });
        let Self { username, password, .. } = self;
        Ok(Simulator { address, username, password, state, stop: Some(stop), server })
    }
}

/// All switches as text, the value in force first, for people to read.
#[must_use]
pub fn switches() -> String {
    crate::switches::list()
}

/// A running simulator. It stops when dropped.
///
/// What its routes below `/_sim` do for other programs, its methods do for this one: faults, time, truth, requests.
pub struct Simulator {
    address: SocketAddr,
    username: String,
    password: String,
    pub(crate) state: Arc<State>,
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
            release: connectwise_openapi::VERSION.to_owned(),
            document: None,
            role: "full".to_owned(),
            faults: None,
            strange: 0,
            switches: Vec::new(),
            callback_waits: [Duration::from_secs(2), Duration::from_secs(4)],
            latency: Latency::default(),
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
