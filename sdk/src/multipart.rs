//! Forms with several parts (RFC 7578), for uploads.

use bytes::Bytes;

use crate::{Error, Result, reason::Reason, request::Body};

/// A form: texts and files.
///
/// ```
/// use connectwise_sdk::Multipart;
///
/// let form = Multipart::new()
///     .text("recordType", "Ticket")
///     .text("recordId", "7")
///     .file("file", "photo.png", "image/png", vec![0x89, b'P', b'N', b'G']);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Multipart {
    parts: Vec<FormPart>,
}

#[derive(Debug, Clone)]
struct FormPart {
    name: String,
    file: Option<(String, String)>,
    content: Bytes,
}

impl Multipart {
    /// A form without parts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a text.
    #[must_use]
    pub fn text(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.parts.push(FormPart { name: name.into(), file: None, content: Bytes::from(value.into()) });
        self
    }

    /// Adds a file with its name and media type.
    #[must_use]
    pub fn file(
        mut self,
        name: impl Into<String>,
        file_name: impl Into<String>,
        media_type: impl Into<String>,
        content: impl Into<Bytes>,
    ) -> Self {
        let file = Some((file_name.into(), media_type.into()));
        self.parts.push(FormPart { name: name.into(), file, content: content.into() });
        self
    }

    pub(crate) fn body(&self) -> Result<Body> {
        let boundary = self.boundary();
        let mut bytes = Vec::new();
        for part in &self.parts {
            let mut head = format!("--{boundary}\r\nContent-Disposition: form-data; name={}", quoted(&part.name));
            if let Some((file_name, media_type)) = &part.file {
                if media_type.is_empty() || media_type.contains(|character: char| character.is_control()) {
                    return Err(Error::new(Reason::Header { name: "Content-Type".to_owned() }));
                }
                head.push_str(&format!("; filename={}\r\nContent-Type: {media_type}", quoted(file_name)));
            }
            head.push_str("\r\n\r\n");
            bytes.extend_from_slice(head.as_bytes());
            bytes.extend_from_slice(&part.content);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        let content_type = content_type(&bytes);
        Ok(Body { content_type, bytes: bytes.into() })
    }

    /// A line that no part holds. The same form has the same one, so that a repeated request is the same request.
    fn boundary(&self) -> String {
        let mut number: u64 = 0;
        loop {
            let boundary = format!("connectwise-sdk-{number:016x}");
            let holds = |content: &[u8]| content.windows(boundary.len()).any(|window| window == boundary.as_bytes());
            if !self.parts.iter().any(|part| holds(&part.content)) {
                return boundary;
            }
            number += 1;
        }
    }
}

/// The media type of a form, whose first line is its boundary.
pub(crate) fn content_type(form: &[u8]) -> String {
    let line = form.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let boundary = String::from_utf8_lossy(line.strip_prefix(b"--").unwrap_or(line));
    format!("multipart/form-data; boundary={}", boundary.trim_end_matches("--"))
}

/// A name as browsers write it: what would end it is percent-encoded.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_written_between_lines_that_they_do_not_hold() {
        let form = Multipart::new().text("recordType", "Ticket").file("file", "a\"b\r\n.txt", "text/plain", "x\r\n--y");
        let body = form.body().unwrap();
        assert_eq!(body.content_type, "multipart/form-data; boundary=connectwise-sdk-0000000000000000");
        insta::assert_snapshot!(String::from_utf8(body.bytes.to_vec()).unwrap().replace("\r\n", "\n"), @r#"
        --connectwise-sdk-0000000000000000
        Content-Disposition: form-data; name="recordType"

        Ticket
        --connectwise-sdk-0000000000000000
        Content-Disposition: form-data; name="file"; filename="a%22b%0D%0A.txt"
        Content-Type: text/plain

        x
        --y
        --connectwise-sdk-0000000000000000--
        "#);

        let hostile = Multipart::new().text("a", "--connectwise-sdk-0000000000000000");
        assert!(hostile.body().unwrap().content_type.ends_with("0001"));
        assert!(Multipart::new().file("a", "b", "text/plain\r\nx: y", "").body().is_err());
    }
}
