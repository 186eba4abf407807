//! What a server answers: bytes, as they are on the wire.

use std::io::Write;
use std::net::TcpStream;

/// One answer.
#[derive(Clone)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    form: Form,
    more: More,
}

/// What a page holds that goes on behind the one before it.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum More {
    /// What it says.
    Itself,
    /// Nothing, and there is a next one.
    Nothing,
    /// As many records as were asked for, and there is a next one.
    Records,
}

#[derive(Clone, Copy, PartialEq)]
enum Form {
    /// The body with its length.
    Whole,
    /// The body with this length, and then the connection closes.
    Lying(usize),
    /// The body in one chunk, with this end in place of the last chunk.
    Chunked(&'static str),
    /// Head and body, until the connection closes.
    UntilClosed,
    /// The body alone, and nothing of HTTP around it.
    Bare,
    /// The body is sent over and over, without an end.
    Endless,
    /// Nothing is sent, and the connection stays.
    Silent,
    /// Head and body are sent as if more came, and the connection stays.
    Stalled,
}

impl Answer {
    /// Status 200 and JSON.
    pub(crate) fn json(body: impl Into<Vec<u8>>) -> Self {
        Self::status(200, body).header("content-type", "application/json; charset=utf-8")
    }

    pub(crate) fn status(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into(), form: Form::Whole, more: More::Itself }
    }

    /// Status 200 and a page for people.
    pub(crate) fn html(body: &str) -> Self {
        Self::status(200, body).header("content-type", "text/html")
    }

    /// The API's own form of an error.
    pub(crate) fn error(status: u16, code: &str, message: &str) -> Self {
        Self::status(status, format!("{{\"code\":\"{code}\",\"message\":\"{message}\",\"errors\":null}}"))
            .header("content-type", "application/json")
    }

    /// Bytes in place of an answer.
    pub(crate) fn bare(bytes: impl Into<Vec<u8>>) -> Self {
        Self { form: Form::Bare, ..Self::status(0, bytes) }
    }

    /// A page after which there is always another.
    pub(crate) fn and_more(more: More) -> Self {
        Self { more, ..Self::json("") }
    }

    /// The page behind an id, where each has another behind it.
    pub(crate) fn behind(self, after: usize, size: usize) -> Self {
        match self.more {
            More::Itself => self,
            More::Nothing => Self::json("[]").next(after as u64 + 1),
            More::Records => {
                let ids: Vec<String> = (after + 1..=after + size).map(|id| format!("{{\"id\":{id}}}")).collect();
                Self::json(format!("[{}]", ids.join(","))).next((after + size) as u64)
            }
        }
    }

    /// No answer at all.
    pub(crate) fn silent() -> Self {
        Self { form: Form::Silent, ..Self::status(0, "") }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A page that is the last one.
    pub(crate) fn last(self) -> Self {
        self.header("link", "<https://h/x?pageSize=10>; rel=\"first\"")
    }

    /// A page after which another comes.
    pub(crate) fn next(self, page_id: u64) -> Self {
        self.header("link", &format!("<https://h/x?pageSize=10&pageId={page_id}>; rel=\"next\""))
    }

    pub(crate) fn claims(mut self, length: usize) -> Self {
        self.form = Form::Lying(length);
        self
    }

    pub(crate) fn chunked(mut self, end: &'static str) -> Self {
        self.form = Form::Chunked(end);
        self
    }

    pub(crate) fn until_closed(mut self) -> Self {
        self.form = Form::UntilClosed;
        self
    }

    pub(crate) fn endless(mut self) -> Self {
        self.form = Form::Endless;
        self
    }

    pub(crate) fn stalled(mut self) -> Self {
        self.form = Form::Stalled;
        self
    }

    /// Sends it. Whether the connection stays open for another.
    pub(crate) fn send(&self, stream: &mut TcpStream) -> std::io::Result<bool> {
        let mut head = format!("HTTP/1.1 {} X\r\n", self.status);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let length = |length: usize| format!("content-length: {length}\r\n\r\n");
        match self.form {
            Form::Whole => {
                stream.write_all(&[head.as_bytes(), length(self.body.len()).as_bytes(), &self.body].concat())?;
                return Ok(true);
            }
            Form::Lying(claimed) => {
                stream.write_all(&[head.as_bytes(), length(claimed).as_bytes(), &self.body].concat())?;
            }
            Form::Chunked(end) => {
                let begin = format!("transfer-encoding: chunked\r\n\r\n{:x}\r\n", self.body.len());
                stream.write_all(&[head.as_bytes(), begin.as_bytes(), &self.body, end.as_bytes()].concat())?;
            }
            Form::UntilClosed => stream.write_all(&[head.as_bytes(), b"\r\n", &self.body].concat())?,
            Form::Bare => stream.write_all(&self.body)?,
            Form::Endless => {
                stream.write_all(&[head.as_bytes(), b"\r\n"].concat())?;
                let piece = self.body.repeat(65_536 / self.body.len().max(1));
                loop {
                    stream.write_all(&piece)?;
                }
            }
            Form::Silent => wait_for_hang_up(stream),
            Form::Stalled => {
                stream.write_all(&[head.as_bytes(), length(self.body.len() + 1).as_bytes(), &self.body].concat())?;
                wait_for_hang_up(stream);
            }
        }
        Ok(false)
    }
}

/// Until the program closes the connection.
fn wait_for_hang_up(stream: &mut TcpStream) {
    use std::io::Read;
    let mut some = [0; 64];
    while stream.read(&mut some).is_ok_and(|read| read > 0) {}
}
