//! The `Link` header of list answers (RFC 8288), of which only numbers are used.
//!
//! Its host may be a proxy's or an internal name and its query is encoded anew, so a link is never followed: the next
//! page's number or id is taken out of it and the URL is built again.

use url::form_urlencoded;

/// What the header says about the page after this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    /// No such header.
    Absent,
    /// A header, even an empty one, without `rel="next"`.
    Last,
    /// `rel="next"` and the parameters of its URL.
    Next { page_id: Option<u64>, page: Option<u64> },
}

impl Link {
    pub(crate) fn parse(header: Option<&str>) -> Self {
        let Some(header) = header else { return Self::Absent };
        let mut rest = header;
        while let Some((url, parameters, after)) = first(rest) {
            if is_next(parameters) {
                let query = url.split_once('?').map_or("", |(_, query)| query);
                let query = query.split('#').next().unwrap_or("");
                let number = |name: &str| {
                    form_urlencoded::parse(query.as_bytes())
                        .find(|(key, _)| key.eq_ignore_ascii_case(name))
                        .and_then(|(_, value)| value.trim().parse().ok())
                };
                return Self::Next { page_id: number("pageId"), page: number("page") };
            }
            rest = after;
        }
        Self::Last
    }
}

/// Splits `<url>; parameters, rest`. A comma counts neither within the brackets nor within quotes.
fn first(text: &str) -> Option<(&str, &str, &str)> {
    let (_, text) = text.split_once('<')?;
    let (url, text) = text.split_once('>')?;
    let mut quoted = false;
    let end = text.find(|character| {
        quoted ^= character == '"';
        character == ',' && !quoted
    });
    let (parameters, rest) = text.split_at(end.unwrap_or(text.len()));
    Some((url, parameters, rest))
}

fn is_next(parameters: &str) -> bool {
    parameters.split(';').filter_map(|parameter| parameter.split_once('=')).any(|(name, value)| {
        name.trim().eq_ignore_ascii_case("rel")
            && value.trim().trim_matches('"').split_whitespace().any(|rel| rel.eq_ignore_ascii_case("next"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_forms_that_servers_write() {
        let next = |page_id, page| Link::Next { page_id, page };
        let table = [
            (None, Link::Absent),
            (Some(""), Link::Last),
            (Some("nonsense"), Link::Last),
            (Some("<https://h/x?page=1>; rel=\"first\", <https://h/x?page=1>; rel=\"prev\""), Link::Last),
            (
                Some("<https://h/x?pageSize=50&page=2>; rel=\"next\", <https://h/x?pageSize=50&page=4>; rel=\"last\""),
                next(None, Some(2)),
            ),
            (
                Some("<https://h/x?pageSize=50&page=4>; rel=\"last\", <https://h/x?pageSize=50&page=3>; rel=\"next\""),
                next(None, Some(3)),
            ),
            (Some("<https://h/x?pageSize=1000&pageId=731>; rel=\"next\""), next(Some(731), None)),
            // The live form: another host, a slash after the path, the query encoded anew, commas in the URL.
            (
                Some(
                    "<http://internal/v4_6_release/apis/3.0/x/?conditions=LastUpdated+%3e%3d+%5b2025-04-01T20%3a02%3a28Z%5d&fields=id,name&pageSize=2&pageId=9>; rel=\"next\"",
                ),
                next(Some(9), None),
            ),
            (Some("</x?PAGEID=9>;REL=next"), next(Some(9), None)),
            (Some("<x?pageId=9>; title=\"a, <b>; rel=x\"; rel=\"prev next\""), next(Some(9), None)),
            (Some("<https://h/x?pageId=>; rel=\"next\""), next(None, None)),
            (Some("<https://h/x?pageId=-4>; rel=\"next\""), next(None, None)),
            (Some("<https://h/x>; rel=\"next\""), next(None, None)),
            (Some("<https://h/x?pageId=5"), Link::Last),
        ];
        for (header, expected) in table {
            assert_eq!(Link::parse(header), expected, "{header:?}");
        }
    }
}
