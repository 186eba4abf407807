//! Counts that are refused, wrong or nonsense, while the list can be read.

use crate::answer::Answer;
use crate::case::{Case, case};
use crate::server::About;

const UNCOUNTED: &str = "WorkRole isn't counted by the server, so that only the chain of its pages and its rising keys prove that the read is whole (";

pub(crate) fn cases() -> Vec<Case> {
    let counts = |name, answer| case(name).always(About::Count, answer);
    let garbled = "the answer to GET /time/workRoles/count can't be read at count (expected u64): check that the API version fits the server";
    vec![
        counts("403 for the count", Answer::error(403, "Forbidden", "You may not count.")).notes(UNCOUNTED).notes("You may not count"),
        counts("404 for the count", Answer::error(404, "NotFound", "The endpoint does not exist.")).notes(UNCOUNTED),
        counts("405 for the count", Answer::status(405, "")).notes(UNCOUNTED).notes("405 Method Not Allowed"),
        counts("501 for the count", Answer::status(501, "")).notes(UNCOUNTED),
        case("403 for the count after the read")
            .on(About::Count, [Answer::json("{\"count\":7}"), Answer::error(403, "Forbidden", "No more.")])
            .notes(UNCOUNTED),
        case("403 for the count after a read that lacks records")
            .on(About::Count, [Answer::json("{\"count\":9}"), Answer::error(403, "Forbidden", "No more.")])
            .fails("the read of WorkRole isn't whole: the server counts 9 records and sent 7; its tables are left as they were, run again"),
        counts("403 for the count, and pages that lie", Answer::error(403, "Forbidden", "no"))
            .set("CW_PAGE_SIZE", "3")
            .list([Answer::json("[{\"id\":2},{\"id\":1}]").last()])
            .fails("the read of WorkRole isn't whole: id 1 came after 2"),
        counts("400 for the count", Answer::error(400, "Bad", "no"))
            .fails("the server rejected GET /time/workRoles/count (400 Bad Request: Bad: no): correct the request"),
        counts("a count that is a text", Answer::json("{\"count\":\"seven\"}")).fails(garbled),
        counts("a count in quotes", Answer::json("{\"count\":\"7\"}")).fails(garbled),
        counts("a count below nothing", Answer::json("{\"count\":-1}")).fails(garbled),
        counts("a count with a fraction", Answer::json("{\"count\":7.5}")).fails(garbled),
        counts("a count without its name", Answer::json("7")).fails("the answer to GET /time/workRoles/count can't be read at . (expected struct Count)"),
        counts("a count of another name", Answer::json("{\"total\":7}")).fails("the answer to GET /time/workRoles/count can't be read at . (missing field `count`)"),
        counts("no count", Answer::json("null")).fails("the answer to GET /time/workRoles/count can't be read at ."),
        counts("a count of everything there is", Answer::json("{\"count\":18446744073709551615}"))
            .fails("the server counts 18446744073709551615 records and sent 7; its tables are left as they were, run again"),
        counts("one more than there are", Answer::json("{\"count\":8}"))
            .fails("the server counts 8 records and sent 7; its tables are left as they were, run again"),
        counts("fewer than there are", Answer::json("{\"count\":3}")),
        case("a count that jumps")
            .on(About::Count, [Answer::json("{\"count\":1000000}"), Answer::json("{\"count\":7}")]),
    ]
}
