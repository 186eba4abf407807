//! Takes messages to loopback addresses, over HTTP as plain as it gets.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::{Host, Url};

use super::{Callbacks, Delivery};

/// The answers after which there is another attempt.
const RETRIED: [u16; 4] = [404, 409, 419, 429];

/// Whether an address is on this machine: nothing is ever sent elsewhere.
pub(crate) fn is_loopback(address: &str) -> bool {
    Url::parse(address).ok().and_then(|url| host(&url)).is_some()
}

fn host(url: &Url) -> Option<(String, u16)> {
    let host = match url.host().filter(|_| url.scheme() == "http")? {
        Host::Ipv4(address) if address.is_loopback() => address.to_string(),
        Host::Ipv6(address) if address.is_loopback() => address.to_string(),
        Host::Domain("localhost") => "127.0.0.1".to_owned(),
        _ => return None,
    };
    Some((host, url.port_or_known_default()?))
}

pub(super) async fn deliver(callbacks: &Callbacks, delivery: &Delivery, waits: [Duration; 2], patience: Duration) {
    let mut waits = waits.into_iter();
    loop {
        // A time-out is an answer that never comes.
        let status = tokio::time::timeout(patience, send(delivery)).await.ok().flatten();
        match status {
            Some(200..=299) => return callbacks.finished(delivery, true),
            Some(status) if RETRIED.contains(&status) => {
                let Some(wait) = waits.next() else { return callbacks.finished(delivery, false) };
                callbacks.count("retried");
                tokio::time::sleep(wait).await;
            }
            _ => return callbacks.finished(delivery, false),
        }
    }
}

/// Sends a message and reads the status of the answer.
async fn send(delivery: &Delivery) -> Option<u16> {
    let url = Url::parse(&delivery.url).ok()?;
    let (host, port) = host(&url)?;
    let mut stream = TcpStream::connect((host.as_str(), port)).await.ok()?;
    let path = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: \
         {}\r\nx-content-signature: {}\r\nConnection: close\r\n\r\n",
        delivery.body.len(),
        delivery.signature
    );
    stream.write_all(head.as_bytes()).await.ok()?;
    stream.write_all(delivery.body.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    // The status line is all that matters.
    while !answer.contains(&b'\n') && answer.len() < 1_024 {
        if stream.read_buf(&mut answer).await.ok()? == 0 {
            break;
        }
    }
    let line = String::from_utf8_lossy(&answer);
    line.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_written_to() {
        for address in ["http://127.0.0.1:9/?recordId=", "http://localhost/hook?recordId=", "http://[::1]:80/"] {
            assert!(is_loopback(address), "{address}");
        }
        for address in
            ["", "https://127.0.0.1/", "http://192.0.2.1/", "http://example.com/", "ftp://127.0.0.1/", "127.0.0.1"]
        {
            assert!(!is_loopback(address), "{address}");
        }
    }
}
