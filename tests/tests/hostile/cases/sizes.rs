//! Answers and lists that are too large, or have no end.

use crate::answer::{Answer, More};
use crate::case::{Case, OLD, case, page};
use crate::server::About;

pub(crate) fn cases() -> Vec<Case> {
    let deep = format!("{}1{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
    let long = "x".repeat(1 << 20);
    let larger = "which no answer of its kind is: check that CW_BASE_URL names the API host and not a proxy, or ask for fewer fields";
    vec![
        case("a page without an end")
            .always(About::List, Answer::json(" ").endless())
            .fails("the answer to GET /time/workRoles is larger than 32 MB, ")
            .notes(larger),
        case("a page that is packed two hundred times smaller than it is")
            .always(About::List, Answer::json(packed_blanks(100)).header("content-encoding", "gzip"))
            .fails("the answer to GET /time/workRoles is larger than 32 MB, ")
            .notes(larger),
        case("a count without an end")
            .always(About::Count, Answer::json(" ").endless())
            .fails("the answer to GET /time/workRoles/count is larger than 4 KB, ")
            .notes(larger),
        case("a packed count that is large")
            .always(About::Count, Answer::json(packed_blanks(100)).header("content-encoding", "gzip"))
            .fails("the answer to GET /time/workRoles/count is larger than 4 KB, "),
        case("an error without an end")
            .everything(Answer::status(403, "no ").endless())
            .fails("the server forbids GET /time/workRoles (403 Forbidden: no no no "),
        case("a packed error that is large")
            .everything(Answer::status(400, packed_blanks(100)).header("content-encoding", "gzip"))
            .fails("the server rejected GET /time/workRoles/count (400 Bad Request: the answer says nothing more)"),
        case("companyinfo without an end").always(About::Company, Answer::json(" ").endless()),
        case("empty pages without an end")
            .always(About::List, Answer::and_more(More::Nothing))
            .fails("the list GET /time/workRoles doesn't end: 100 pages in a row are empty, and each names a next one; page by number or by keyset")
            .within(110),
        case("records without an end")
            .set("CW_PAGE_SIZE", "1000")
            .always(About::List, Answer::and_more(More::Records))
            .fails("the list GET /time/workRoles doesn't end: the server counts 7 records and has sent 11000; page by number or by keyset, or report it to whoever runs the server"),
        case("an error of a megabyte").everything(Answer::error(400, "Bad", &long)).fails("the server rejected GET /time/workRoles/count (400 Bad Request: [what looks like a record is left out]): correct the request"),
        case("a megabyte of blanks around a page").list([Answer::json(format!(
            "{0}{1}{0}",
            " ".repeat(1 << 19),
            page()
        ))
        .last()]),
        case("brackets without end")
            .always(About::List, Answer::json("[".repeat(1 << 20)))
            .fails("the answer to GET /time/workRoles broke off after 2 attempts"),
        case("brackets, deep and whole")
            .list([Answer::json(format!("{}{}", "[".repeat(200_000), "]".repeat(200_000))).last()])
            .always(About::Count, Answer::json("{\"count\":1}"))
            .incomplete("are in bronze/bronze_cw_quarantine: 1 (one without a key) (the record isn't an object)")
            .rows(OLD),
        case("a hundred thousand levels in a property")
            .list([Answer::json(page().replacen("\"Role 7\"", &deep, 1)).last()])
            .notes("1 with rescued values")
            .any_rows(),
    ]
}

/// Blanks, as many megabytes of them, as gzip packs them: a blank, and copies of 258 bytes of what came before.
fn packed_blanks(megabytes: usize) -> Vec<u8> {
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    let (mut bits, mut count) = (0_u32, 0);
    let mut push = |code: &str| {
        for bit in code.bytes() {
            bits |= u32::from(bit == b'1') << count;
            count += 1;
            if count == 8 {
                packed.push(bits as u8);
                (bits, count) = (0, 0);
            }
        }
    };
    // The last block, with the codes that the format fixes; then a blank.
    push("110");
    push("01010000");
    for _ in 0..megabytes * 1024 * 1024 / 258 {
        push("11000101");
        push("00000");
    }
    packed
}
