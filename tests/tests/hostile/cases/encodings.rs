//! Bodies in another encoding than their heads say, or than JSON is sent in.

use crate::answer::Answer;
use crate::case::{Case, NOT_THE_SEVENTH, case, page};
use crate::server::About;

/// A page in UTF-16, with a byte order mark or without.
fn utf16(mark: bool, big: bool) -> Vec<u8> {
    let units = mark.then_some(0xfeff).into_iter().chain(page().encode_utf16().collect::<Vec<_>>());
    units.flat_map(|unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
}

const UTF16: &str = "the answer to GET /time/workRoles is not JSON in UTF-8 but UTF-16: http://127.0.0.1:";

pub(crate) fn cases() -> Vec<Case> {
    let mark = |body: &str| [b"\xef\xbb\xbf", body.as_bytes()].concat();
    vec![
        case("a byte order mark before a page").list([Answer::json(mark(&page())).last()]),
        case("a byte order mark before everything")
            .list([Answer::json(mark(&page())).last()])
            .always(About::Count, Answer::json(mark("{\"count\":7}"))),
        case("a byte order mark before a page that was cut").list([Answer::json(mark(&page()[..50]))]),
        case("a byte order mark before an error")
            .everything(Answer::status(401, mark("{\"code\":\"Unauthorized\",\"message\":\"no\"}")))
            .fails("(401 Unauthorized: Unauthorized: no)"),
        case("a byte order mark before an error with status 200")
            .everything(Answer::json(mark("{\"code\":\"Security\",\"message\":\"SSL is required.\"}")))
            .fails("with an error in place of data (Security: SSL is required)"),
        case("nothing but a byte order mark")
            .list([Answer::json(mark(""))])
            .fails("the answer to GET /time/workRoles is empty"),
        case("UTF-16, little end first").list([Answer::json(utf16(true, false))]).fails(UTF16),
        case("UTF-16, big end first").list([Answer::json(utf16(true, true))]).fails(UTF16),
        case("UTF-16 without a mark").list([Answer::json(utf16(false, false))]).fails(UTF16),
        case("a byte that is no text, outside of texts")
            .list([Answer::json(replaced(page().as_bytes(), b"{\"id\":7", b"{\"id\":\xff")).last()])
            .incomplete("are in bronze/bronze_cw_quarantine: 1 (one behind 6) (the record isn't JSON")
            .quarantines("Role 7")
            .rows(NOT_THE_SEVENTH),
        case("a name that is no text")
            .list([Answer::json(replaced(page().as_bytes(), b"Role 7", b"Role \xe9")).last()])
            .incomplete("are in bronze/bronze_cw_quarantine: 1 (7) (the record isn't UTF-8")
            .quarantines("the record isn't UTF-8")
            .rows(NOT_THE_SEVENTH),
        case("gzip that nothing names")
            .list([Answer::json([&[0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0, 0, 3][..], &[0; 20]].concat())])
            .fails("the answer to GET /time/workRoles is not JSON but compressed data that no Content-Encoding names"),
        case("gzip that isn't")
            .always(About::List, Answer::json(page()).header("content-encoding", "gzip").last())
            .fails("the answer to GET /time/workRoles broke off after 2 attempts"),
        case("an encoding that nobody asked for")
            .list([Answer::json([0x8b, 0x03, 0x80, b'[', b']', 0x03]).header("content-encoding", "br").last()])
            .fails("the answer to GET /time/workRoles is not JSON but application/json"),
        case("a chunk that is cut").list([Answer::json(page()).last().chunked("")]),
        case("a chunk with a length that is none").list([Answer::json(page()).last().chunked("\r\nzz\r\n")]),
        case("chunks that end").list([Answer::json(page()).last().chunked("\r\n0\r\n\r\n")]),
        case("a body shorter than it claims").list([Answer::json(page()).last().claims(page().len() + 100)]),
        case("a body shorter than it claims, for good")
            .always(About::List, Answer::json(page()).last().claims(page().len() + 100))
            .fails("the answer to GET /time/workRoles broke off after 2 attempts"),
        case("a body longer than it claims")
            .always(About::List, Answer::json(page()).last().claims(50))
            .fails("the answer to GET /time/workRoles broke off after 2 attempts"),
    ]
}

fn replaced(text: &[u8], part: &[u8], other: &[u8]) -> Vec<u8> {
    let at = text.windows(part.len()).position(|window| window == part).unwrap();
    [&text[..at], other, &text[at + part.len()..]].concat()
}
