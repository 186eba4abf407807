//! An answer whose body comes piece by piece.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use futures::{
    Stream, StreamExt as _, TryStreamExt as _,
    stream::{self, BoxStream},
};
use tokio::io::AsyncWriteExt as _;

use crate::{
    Clock, Error, RequestFacts, Response, Result,
    attempts::{Answer, unread},
    body::Pace,
    reason::Reason,
};

/// A successful answer, of which the body is still to come.
pub struct Download {
    /// All but the body.
    head: Response,
    body: BoxStream<'static, Result<Bytes>>,
}

impl Download {
    pub(crate) fn new(answer: Answer, pace: Pace, clock: Arc<dyn Clock>) -> Self {
        let Answer { response: mut head, rest } = answer;
        let facts = head.facts.clone();
        let begun = std::mem::take(&mut head.body);
        let redactor = head.redactor.clone();
        let body = match rest {
            // Ends with the first error: behind it, some errors would come again and again.
            Some(rest) => stream::try_unfold((rest, pace), move |(mut rest, mut pace)| {
                let facts = facts.clone();
                let redactor = redactor.clone();
                let clock = clock.clone();
                async move {
                    match pace.piece(&mut rest, &*clock).await {
                        Ok(piece) => Ok(piece.map(|piece| (piece, (rest, pace)))),
                        Err(stopped) => Err(unread(stopped, &facts, &redactor, usize::MAX).1),
                    }
                }
            })
            .boxed(),
            None => stream::iter([Ok(begun)]).boxed(),
        };
        Self { head, body }
    }

    /// HTTP status, 200 to 299.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.head.status()
    }

    /// A header's value, as [`Response::header`].
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.header(name)
    }

    /// The request that it answers.
    #[must_use]
    pub fn request(&self) -> &RequestFacts {
        self.head.request()
    }

    /// The body, decompressed, of `largest` bytes at most.
    ///
    /// # Errors
    /// When the body is larger than `largest` (no byte more is held), or when the connection breaks.
    pub async fn bytes(self, largest: usize) -> Result<Vec<u8>> {
        let facts = self.head.facts;
        let mut body = self.body;
        let mut bytes = Vec::new();
        while let Some(piece) = body.try_next().await? {
            if piece.len() > largest - bytes.len() {
                return Err(Error::new(Reason::TooLarge { limit: largest }).with_request(facts));
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }

    /// Writes the body to a file and gives the number of bytes. The file appears only when it is complete: the body goes to a temporary
    /// file in the same folder, which is renamed at the end and replaces a file of this name.
    ///
    /// # Errors
    /// When the body breaks off or the file can't be written.
    pub async fn save_to(self, path: impl AsRef<Path>) -> Result<u64> {
        let path = path.as_ref();
        let facts = self.head.facts.clone();
        let fault =
            |source| Error::new(Reason::File { path: path.to_owned() }).with_request(facts.clone()).with_source(source);
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{:016x}.part", rand::random::<u64>()));
        let beside = Beside { path: path.with_file_name(name), is_whole: false };
        let mut file = tokio::fs::File::create_new(&beside.path).await.map_err(fault)?;
        let mut body = self.body;
        let mut written = 0;
        while let Some(piece) = body.try_next().await? {
            file.write_all(&piece).await.map_err(fault)?;
            written += piece.len() as u64;
        }
        file.sync_all().await.map_err(fault)?;
        beside.move_to(path).await.map_err(fault)?;
        Ok(written)
    }

    /// The body, decompressed, of any size: it is never held as a whole. It is whole if and only if the stream ends without an error.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes>> + Send + 'static {
        self.body
    }
}

/// A file that is removed unless it has become whole: when the body breaks off, and when nobody waits for it any more.
struct Beside {
    path: PathBuf,
    is_whole: bool,
}

impl Beside {
    async fn move_to(mut self, path: &Path) -> std::io::Result<()> {
        tokio::fs::rename(&self.path, path).await?;
        self.is_whole = true;
        Ok(())
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if !self.is_whole {
            std::fs::remove_file(&self.path).ok();
        }
    }
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download")
            .field("status", &self.head.status)
            .field("request", &self.head.facts)
            .finish_non_exhaustive()
    }
}
