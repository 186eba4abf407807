//! Heads of answers that are odd, and what isn't HTTP at all.

use crate::answer::Answer;
use crate::case::{Case, case, page};
use crate::server::About;

const BROKE_OFF: &str = "broke off after 2 attempts: try again later, or with a smaller page size";

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case("no content type").list([Answer::status(200, page()).last()]),
        case("the content type of a page for people, and JSON").list([Answer::html(&page()).last()]),
        case("the content type of bytes, and JSON")
            .list([Answer::status(200, page()).header("content-type", "application/octet-stream").last()]),
        case("two content types").list([Answer::json(page()).header("content-type", "text/plain").last()]),
        case("a date before 1970").list([Answer::json(page()).header("date", "Wed, 31 Dec 1969 23:59:59 GMT").last()]),
        case("a date that is none").list([Answer::json(page()).header("date", "yesterday").last()]),
        case("a header that is no text").list([Answer::json(page()).header("x-server-name", "\u{1}\u{7f}").last()]),
        case("a request id with control characters")
            .list([Answer::error(400, "Bad", "no").header("x-cw-request-id", "a\tb")])
            .fails("the server rejected GET /time/workRoles (400 Bad Request: Bad: no)"),
        case("cookies, as many as there is room for").list([(0..80)
            .fold(Answer::json(page()), |answer, at| answer.header("set-cookie", &format!("c{at}=1")))
            .last()]),
        case("a thousand headers")
            .always(
                About::List,
                (0..1_000).fold(Answer::json(page()), |answer, at| answer.header(&format!("x-{at}"), "1")).last(),
            )
            .fails(BROKE_OFF),
        case("a header of a megabyte")
            .always(About::List, Answer::json(page()).header("x-long", &"x".repeat(1 << 20)).last())
            .fails(BROKE_OFF),
        case("nothing but the end of the connection").list([Answer::bare("")]),
        case("nothing but the end of the connection, for good")
            .everything(Answer::bare(""))
            .fails("the answer to GET /time/workRoles/count broke off after 2 attempts"),
        case("no HTTP")
            .everything(Answer::bare("SSH-2.0-OpenSSH_9.6\r\n"))
            .fails("the answer to GET /time/workRoles/count broke off after 2 attempts"),
        case("HTTP/0.9")
            .everything(Answer::bare("<html>It works</html>"))
            .fails("the answer to GET /time/workRoles/count broke off after 2 attempts"),
        case("HTTP/1.0 without a length")
            .list([Answer::bare(format!("HTTP/1.0 200 OK\r\nLink: <x>; rel=\"first\"\r\n\r\n{}", page()))]),
        case("a body that ends with the connection").list([Answer::json(page()).last().until_closed()]),
        case("TLS where plain text was asked for")
            .everything(Answer::bare([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x46]))
            .fails("the answer to GET /time/workRoles/count broke off after 2 attempts"),
        case("status 1000")
            .everything(Answer::status(1000, ""))
            .fails("the answer to GET /time/workRoles/count broke off after 2 attempts"),
        case("a length that is no number")
            .always(About::List, Answer::bare("HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n[]"))
            .fails(BROKE_OFF),
        case("two lengths that differ")
            .always(About::List, Answer::bare("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n[]"))
            .fails(BROKE_OFF),
        case("a Link header that is no text").list([Answer::json(page()).header("link", "\u{fffd}\u{fffd}")]),
        case("100 continue before the answer").list([Answer::bare(format!(
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: {}\r\nLink: <x>; rel=\"first\"\r\n\r\n{}",
            page().len(),
            page()
        ))]),
    ]
}
