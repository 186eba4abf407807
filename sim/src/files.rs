//! Bytes of documents: those that clients uploaded, and made-up ones for the others.

use std::collections::BTreeMap;

use axum::body::Bytes;

/// A picture of one grey point.
pub(crate) const PICTURE: &[u8] = &[
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52, 0x00, 0x00, 0x00,
    0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x00, 0x00, 0x00, 0x00, 0x3a, 0x7e, 0x9b, 0x55, 0x00, 0x00, 0x00, 0x0a, 0x49,
    0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0x68, 0x00, 0x00, 0x00, 0x82, 0x00, 0x81, 0x77, 0xcd, 0x72, 0xb6, 0x00, 0x00,
    0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
];

/// The smallest thing that says that it is a PDF.
pub(crate) const PDF: &[u8] =
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n\
trailer<</Root 1 0 R>>\n%%EOF\n";

/// All uploads together take no more than this.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// What was uploaded, by the id of its document.
#[derive(Debug, Default)]
pub(crate) struct Files {
    files: BTreeMap<i64, (String, Bytes)>,
    bytes: usize,
}

impl Files {
    /// Keeps a file, if there is room for it.
    pub(crate) fn keep(&mut self, id: i64, name: String, bytes: Bytes) -> bool {
        let fits = self.bytes + bytes.len() <= MOST_BYTES;
        if fits {
            self.bytes += bytes.len();
            self.files.insert(id, (name, bytes));
        }
        fits
    }

    pub(crate) fn get(&self, id: i64) -> Option<(String, Bytes)> {
        self.files.get(&id).cloned()
    }
}

/// The bytes of a document that nobody uploaded.
pub(crate) fn made(id: i64) -> Bytes {
    format!("Skjal {id}\r\n").repeat(1 + (id.unsigned_abs() % 9) as usize).into()
}

/// A part of a form.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) name: String,
    /// The file's name, where it is one.
    pub(crate) file: Option<String>,
    pub(crate) bytes: Bytes,
}

/// Takes a `multipart/form-data` body apart; `None` if it is none.
pub(crate) fn parts(content_type: &str, body: &Bytes) -> Option<Vec<Part>> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"'))
    })?;
    if boundary.is_empty() {
        return None;
    }
    let delimiter = format!("\r\n--{boundary}");
    // The first boundary has no line before it.
    let mut rest = find(body, delimiter.trim_start().as_bytes()).map(|at| body.slice(at + delimiter.len() - 2..))?;
    let mut parts = Vec::new();
    while rest.starts_with(b"\r\n") {
        rest = rest.slice(2..);
        let end = find(&rest, delimiter.as_bytes())?;
        let part = rest.slice(..end);
        rest = rest.slice(end + delimiter.len()..);
        let headers = find(&part, b"\r\n\r\n")?;
        let text = String::from_utf8_lossy(&part[..headers]).into_owned();
        let disposition = text.lines().find(|line| line.to_ascii_lowercase().starts_with("content-disposition:"))?;
        parts.push(Part {
            name: quoted(disposition, "name")?,
            file: quoted(disposition, "filename"),
            bytes: part.slice(headers + 4..),
        });
    }
    rest.starts_with(b"--").then_some(parts)
}

fn quoted(header: &str, name: &str) -> Option<String> {
    header.split(';').find_map(|parameter| {
        let (key, value) = parameter.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"').to_owned())
    })
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_taken_apart() {
        let body = Bytes::from_static(
            b"--xy\r\nContent-Disposition: form-data; name=\"recordId\"\r\n\r\n250\r\n--xy\r\nContent-Disposition: form-data; \
              name=\"file\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\none\r\ntwo\r\n--xy--\r\n",
        );
        let parts = parts("multipart/form-data; boundary=xy", &body).unwrap();
        let found: Vec<_> =
            parts.iter().map(|part| (part.name.as_str(), part.file.as_deref(), &part.bytes[..])).collect();
        assert_eq!(found, [("recordId", None, &b"250"[..]), ("file", Some("a.txt"), &b"one\r\ntwo"[..])]);
    }

    #[test]
    fn what_is_no_form_is_refused() {
        for (kind, body) in [
            ("application/json", "{}"),
            ("multipart/form-data", ""),
            ("multipart/form-data; boundary=", ""),
            ("multipart/form-data; boundary=xy", ""),
            ("multipart/form-data; boundary=xy", "--xy"),
            ("multipart/form-data; boundary=xy", "--xy\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1"),
            ("multipart/form-data; boundary=xy", "--xy\r\n\r\n--xy--"),
        ] {
            assert!(parts(kind, &Bytes::from_static(body.as_bytes())).is_none(), "{kind} {body}");
        }
    }
}
