//! Servers that ask for patience, and those that test it.

use crate::answer::Answer;
use crate::case::{Case, case, page};
use crate::server::About;

pub(crate) fn cases() -> Vec<Case> {
    let limited = |text: &str| Answer::status(429, format!("{{\"error\":\"ConnectWiseAPI\",\"message\":\"{text}\"}}"));
    vec![
        case("429 once, and no time named").list([limited("Slow down.")]),
        case("429 once, with a time that has passed")
            .list([limited("Slow down.").header("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")]),
        case("429 once, with nothing to wait for").list([limited("Slow down.").header("retry-after", "0")]),
        case("429 once, with a time in the text").list([limited("Too many requests. Try again in 200 ms.")]),
        case("429 with words in its header").list([limited("Slow down.").header("retry-after", "soon")]),
        case("429 for good")
            .everything(limited("Slow down.").header("retry-after", "0"))
            .fails("the server limits the rate of GET /time/workRoles/count after 2 attempts (429 Too Many Requests: ConnectWiseAPI: Slow down): wait, or send fewer requests at once")
            .within(6),
        case("429 for an hour")
            .everything(limited("Slow down.").header("retry-after", "3600"))
            .fails("the server turns GET /time/workRoles/count away (429 Too Many Requests: ConnectWiseAPI: Slow down) and asks to be left alone for 60 minutes, longer than the 5 minutes that a request waits: run again after that"),
        case("429 for an hour, in the text")
            .everything(limited("Too many requests. Please try again in 1 hour."))
            .fails("and asks to be left alone for 60 minutes, longer than the 5 minutes that a request waits"),
        case("429 until the end of time")
            .everything(limited("Never.").header("retry-after", "18446744073709551615"))
            .fails("longer than the 5 minutes that a request waits"),
        case("429 of a CDN")
            .everything(Answer::status(429, "<html><head><title>Error 1015 | You are being rate limited</title></head></html>"))
            .fails("(429 Too Many Requests: Error 1015 | You are being rate limited): wait, or send fewer requests at once"),
        case("no answer").list([Answer::silent()]).set("CW_READ_TIMEOUT", "1"),
        case("no answer for good")
            .everything(Answer::silent())
            .set("CW_READ_TIMEOUT", "1")
            .set("CW_ATTEMPTS", "1")
            .fails("no answer to GET /time/workRoles/count in time: try again later, or with a smaller page size"),
        case("an answer that stops in the middle")
            .list([Answer::json(page()).last().stalled()])
            .set("CW_READ_TIMEOUT", "1"),
        case("an answer that stops in the middle, for good")
            .always(About::List, Answer::json(page()).last().stalled())
            .set("CW_READ_TIMEOUT", "1")
            .set("CW_ATTEMPTS", "1")
            .set("CW_PAGE_SIZE", "1")
            .fails("no answer to GET /time/workRoles in time: try again later, or with a smaller page size"),
    ]
}
