//! Pages that lie about what comes before and after them.

use crate::answer::Answer;
use crate::case::{Case, OLD, case, news, page};
use crate::server::About;

/// A page of some of the news.
fn some(from: usize, to: usize) -> Answer {
    Answer::json(format!("[{}]", news()[from..to].join(",")))
}

pub(crate) fn cases() -> Vec<Case> {
    let paged = |name| case(name).set("CW_PAGE_SIZE", "3");
    vec![
        paged("pages of three"),
        paged("a page again")
            .list([some(0, 3).next(3), some(0, 3).next(6)])
            .fails("the keys of GET /time/workRoles don't advance: the server repeats pageId 3; page by number or by keyset"),
        paged("a next page that is this one")
            .list([some(0, 3).next(3), some(3, 6).next(3)])
            .fails("the keys of GET /time/workRoles don't advance: the server repeats pageId 3"),
        paged("records that come twice")
            .list([some(0, 3).next(3), some(2, 5).next(5)])
            .fails("the keys of GET /time/workRoles don't advance: the server repeats pageId 3"),
        paged("a gap between pages")
            .list([some(0, 3).next(3), some(4, 7).last()])
            .fails("the read of WorkRole isn't whole: the server counts 7 records and sent 6; its tables are left as they were, run again"),
        paged("an empty page in the middle, and a record less")
            .list([some(0, 3).next(3), Answer::json("[]").next(4), some(4, 7).next(7)])
            .fails("the server counts 7 records and sent 6"),
        paged("a short page in the middle").list([some(0, 1).next(1), some(1, 4).next(4), some(4, 7).last()]),
        paged("a last page too early")
            .list([some(0, 2).last()])
            .fails("the server counts 7 records and sent 2; its tables are left as they were, run again"),
        paged("a Link without an id")
            .list([some(0, 3).next(3), some(3, 6).header("link", "<https://h/x?pageSize=3>; rel=\"next\"")])
            .fails("the Link header of GET /time/workRoles names a next page without a pageId: page by number or by keyset"),
        paged("a Link with an id that is none")
            .list([some(0, 3).next(3), some(3, 6).header("link", "<https://h/x?pageId=six>; rel=\"next\"")])
            .fails("names a next page without a pageId"),
        paged("a Link to another host")
            .list([some(0, 3).header("link", "<https://evil.example/steal?pageId=3>; rel=\"next\"")]),
        paged("a Link that jumps")
            .list([some(0, 3).next(4_000_000_000), Answer::json("[]").last()])
            .fails("the server counts 7 records and sent 3"),
        paged("a Link beyond all numbers")
            .list([some(0, 3).header("link", "<https://h/x?pageId=99999999999999999999999>; rel=\"next\"")])
            .fails("names a next page without a pageId"),
        case("keys that fall")
            .list([Answer::json(format!("[{},{}]", news()[1], news()[0])).last()])
            .fails("the read of WorkRole isn't whole: id 1 came after 2, so pages may overlap or leave gaps; its tables are left as they were, run again"),
        case("a record twice on a page")
            .list([Answer::json(format!("[{},{}]", news()[0], news()[0])).last()])
            .fails("the read of WorkRole isn't whole: id 1 came after 1"),
        case("more records than were asked for").set("CW_PAGE_SIZE", "3").list([Answer::json(page()).last()]),
        case("a list without a Link, that ignores paging")
            .set("CW_PAGE_SIZE", "7")
            .always(About::List, Answer::json(page()))
            .fails("the keys of GET /time/workRoles don't advance: page 2 starts as the one before it, so the endpoint seems to ignore paging; read it with a plain get"),
        case("no record at all, and a count of none")
            .list([Answer::json("[]").last()])
            .always(About::Count, Answer::json("{\"count\":0}"))
            .incomplete("the server lists no record and the table has 6 rows")
            .rows(OLD),
        case("half of the records, and a count that agrees")
            .list([some(0, 3).last()])
            .always(About::Count, Answer::json("{\"count\":3}"))
            .incomplete("no row of bronze_cw_workrole was removed: ")
            .rows(r#"[{"id":1,"name":"Role 1","hourlyRate":10.5},{"id":2,"name":"Changed 2","hourlyRate":20.5},{"id":3,"name":"Role 3","hourlyRate":30.5},{"id":4,"name":"Role 4","hourlyRate":40.5},{"id":5,"name":"Role 5","hourlyRate":50.5},{"id":6,"name":"Role 6","hourlyRate":60.5}]"#),
        paged("a page that fails once, in the middle").list([some(0, 3).next(3), Answer::status(500, "")]),
    ]
}
