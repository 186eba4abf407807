//! A server that answers what a test says, and keeps what it was asked.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};

/// A body, and the page behind it: `Some("")` for none, which a `Link` header says.
pub(crate) struct Page {
    pub(crate) body: String,
    pub(crate) next: Option<u64>,
}

/// Answers on loopback until the process ends.
pub(crate) struct Server {
    port: u16,
    targets: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(crate) fn start(answer: impl Fn(&str) -> Page + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let targets = Arc::new(Mutex::new(Vec::new()));
        let seen = targets.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                // Whoever hangs up in the middle has seen enough.
                serve(stream.unwrap(), &answer, &seen).ok();
            }
        });
        Self { port, targets }
    }

    /// The targets of all requests so far.
    pub(crate) fn targets(&self) -> Vec<String> {
        self.targets.lock().unwrap().clone()
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn configure(&self, mut command: Command) -> Command {
        command
            .env("CW_BASE_URL", self.base_url())
            .env("CW_AUTH_USERNAME", "acme+public")
            .env("CW_AUTH_PASSWORD", "private")
            .env("CW_CLIENTID", "00000000-0000-0000-0000-000000000000");
        command
    }
}

fn serve(mut stream: TcpStream, answer: &impl Fn(&str) -> Page, seen: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    let target = first.split(' ').nth(1).unwrap_or_default().to_owned();
    seen.lock().unwrap().push(target.clone());
    let Page { body, next } = answer(&target);
    let link = next.map(|next| format!("<http://internal/x?pageId={next}>; rel=\"next\"")).unwrap_or_default();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLink: {link}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}
