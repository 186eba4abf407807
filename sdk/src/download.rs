//! An answer whose body comes piece by piece.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use futures::{
    Stream, StreamExt as _,
    stream::{self, BoxStream},
};

use crate::{
    Clock, RequestFacts, Response, Result,
    body::Pace,
    transport::{Answer, unread},
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
        let (facts, begun) = (head.facts.clone(), std::mem::take(&mut head.body));
        let redactor = head.redactor.clone();
        let body = match rest {
            // Ends with the first error: behind it, some errors would come again and again.
            Some(rest) => stream::try_unfold((rest, pace), move |(mut rest, mut pace)| {
                let (facts, redactor, clock) = (facts.clone(), redactor.clone(), clock.clone());
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

    /// The body, decompressed, of any size: it is never held as a whole. It is whole if and only if the stream ends without an error.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes>> + Send + 'static {
        self.body
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
