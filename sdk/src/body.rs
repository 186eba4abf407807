//! The body of an answer, read piece by piece: how large it may become, and how slowly it may come.
//!
//! Sizes count what comes out of decompression, since a megabyte on the wire can become a gigabyte here. What is refused has
//! cost no more memory than its limit.

use std::time::Duration;

use bytes::Bytes;

use crate::Clock;
use crate::transport::{TransportBody, TransportError};

/// Largest page of a list, and largest answer of which nothing else is known. 1,000 records of the widest list are a few
/// megabytes; this leaves 32 KB for each. Where a page is larger, smaller ones are asked for. Four that are under way at once
/// have room in 128 MB.
pub(crate) const LARGEST: usize = 32 * 1024 * 1024;

/// Largest page of one id.
pub(crate) const LARGEST_PROBE: usize = 1024 * 1024;

/// Largest count: `{"count":123456}` has 16 bytes.
pub(crate) const LARGEST_COUNT: usize = 4 * 1024;

/// Largest answer of a server about itself, which has less than 1 KB and is asked for before anybody has logged in.
pub(crate) const LARGEST_COMPANY_INFO: usize = 64 * 1024;

/// What is read of an error's body: a sentence of it is shown, and the rest is of no use.
pub(crate) const LARGEST_ERROR: usize = 64 * 1024;

/// Fewer bytes in a second than these are as good as none, on average over [`Pace::window`]: a page would take hours.
const SLOWEST: u64 = 1024;

/// How long a body may be slower than that.
const PATIENCE: Duration = Duration::from_secs(60);

/// What was read of a body.
pub(crate) struct Read {
    pieces: Vec<Bytes>,
    pub(crate) length: usize,
    /// Why the rest wasn't.
    pub(crate) stopped: Option<Stopped>,
}

/// Why a body wasn't read to its end.
#[derive(Debug)]
pub(crate) enum Stopped {
    TooLarge,
    TooSlow,
    Broken(TransportError),
}

impl Read {
    pub(crate) fn into_bytes(self) -> Bytes {
        join(self.pieces)
    }
}

/// Reads a body of `largest` bytes at most.
pub(crate) async fn read(body: &mut TransportBody, largest: usize, pace: &mut Pace, clock: &dyn Clock) -> Read {
    let mut read = Read { pieces: Vec::new(), length: 0, stopped: None };
    loop {
        match pace.piece(body, clock).await {
            Ok(Some(mut piece)) => {
                let room = largest - read.length;
                let fits = piece.len() <= room;
                piece.truncate(room);
                read.length += piece.len();
                read.pieces.push(piece);
                if !fits {
                    read.stopped = Some(Stopped::TooLarge);
                    return read;
                }
            }
            Ok(None) => return read,
            Err(stopped) => {
                read.stopped = Some(stopped);
                return read;
            }
        }
    }
}

/// One text of several pieces, copied once; a single one isn't copied.
fn join(mut pieces: Vec<Bytes>) -> Bytes {
    if pieces.len() < 2 {
        return pieces.pop().unwrap_or_default();
    }
    let mut whole = Vec::with_capacity(pieces.iter().map(Bytes::len).sum());
    for piece in pieces {
        whole.extend_from_slice(&piece);
    }
    whole.into()
}

/// How fast a body comes, without the time that whoever takes it needs.
#[derive(Debug)]
pub(crate) struct Pace {
    /// What it is measured over: at least as long as the silence that is allowed.
    window: Duration,
    waited: Duration,
    bytes: u64,
    /// Whether the last piece came too late. It counts when another one comes: a body that is over has been fast enough.
    slow: bool,
}

impl Pace {
    pub(crate) fn new(read_timeout: Duration) -> Self {
        Self { window: PATIENCE.max(read_timeout), waited: Duration::ZERO, bytes: 0, slow: false }
    }

    /// The next piece of a body, `None` at its end.
    pub(crate) async fn piece(
        &mut self,
        body: &mut TransportBody,
        clock: &dyn Clock,
    ) -> Result<Option<Bytes>, Stopped> {
        loop {
            let begun = clock.monotonic();
            // What is decompressed can stay empty however much comes, so that no silence would ever be noticed.
            match tokio::time::timeout(self.window.saturating_sub(self.waited), body.piece()).await {
                Ok(Ok(Some(_))) if self.slow => return Err(Stopped::TooSlow),
                Ok(Ok(Some(piece))) => {
                    self.slow = self.is_slow_after(clock.monotonic().saturating_sub(begun), piece.len());
                    return Ok(Some(piece));
                }
                Ok(Ok(None)) => return Ok(None),
                Ok(Err(error)) => return Err(Stopped::Broken(error)),
                Err(_) if self.is_slow_after(self.window, 0) => return Err(Stopped::TooSlow),
                Err(_) => {}
            }
        }
    }

    /// Notes what came after a wait, and says whether that was too little.
    fn is_slow_after(&mut self, time: Duration, bytes: usize) -> bool {
        self.waited += time;
        self.bytes += bytes as u64;
        if self.waited < self.window {
            return false;
        }
        let slow = u128::from(self.bytes) * 1_000 < u128::from(SLOWEST) * self.window.as_millis();
        (self.waited, self.bytes) = (Duration::ZERO, 0);
        slow
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Network;
    use crate::transport::Transport as _;
    use crate::{Config, Credentials};

    /// Seconds until a body is too slow of which so many bytes come each `step` seconds; `None` for never, in three hours.
    fn too_slow(bytes: usize, step: u64, read_timeout: u64) -> Option<u64> {
        let mut pace = Pace::new(Duration::from_secs(read_timeout));
        (1..=10_800 / step).map(|turn| turn * step).find(|_| pace.is_slow_after(Duration::from_secs(step), bytes))
    }

    #[test]
    fn a_body_has_a_lowest_pace_over_a_minute() {
        let table = [
            (1, 1, 60, Some(60)),
            (1_023, 1, 60, Some(60)),
            (1_024, 1, 60, None),
            (61_440, 59, 60, None),
            (61_440, 61, 60, None),
            (61_439, 60, 60, Some(60)),
            (64_000_000, 1, 60, None),
            // Whoever allows for an hour of silence doesn't mean a minute.
            (1, 60, 3_600, Some(3_600)),
            (4_000_000, 3_599, 3_600, None),
            (1, 1, 5, Some(60)),
        ];
        for (bytes, step, read_timeout, expected) in table {
            assert_eq!(
                too_slow(bytes, step, read_timeout),
                expected,
                "{bytes} bytes each {step} s, {read_timeout} s allowed"
            );
        }
    }

    /// Gzip blocks without content: the connection is never silent, and nothing of a body comes out.
    #[tokio::test]
    async fn what_unpacks_to_nothing_for_ever_is_given_up() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            // An answer without a question is none.
            let asked = stream.read(&mut [0; 1024]).await.unwrap();
            assert!(asked > 0);
            let head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\nconnection: close\r\n\r\n";
            let gzip = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
            stream.write_all(head).await.unwrap();
            stream.write_all(&gzip).await.unwrap();
            while stream.write_all(&[0, 0, 0, 0xff, 0xff]).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
        let config = Config::new(&url, Credentials::new("a+b", "c", "d").unwrap()).unwrap();
        let request = http::Request::get(url).body(Bytes::new()).unwrap();
        let mut response = Network::new(&config).unwrap().carry(request).await.unwrap().into_body();
        // A minute would do the same.
        let window = Duration::from_millis(50);
        let mut pace = Pace { window, waited: Duration::ZERO, bytes: 0, slow: false };
        let read = read(&mut response, LARGEST, &mut pace, &crate::SystemClock).await;
        assert!(matches!(read.stopped, Some(Stopped::TooSlow)), "{:?}", read.stopped);
        assert_eq!(read.length, 0);
    }

    #[test]
    fn pieces_are_put_together_in_their_order() {
        assert_eq!(join(Vec::new()), Bytes::new());
        assert_eq!(join(vec![Bytes::from("one")]), "one");
        assert_eq!(join(vec![Bytes::from("one"), Bytes::from(" and "), Bytes::from("two")]), "one and two");
    }
}
