//! Bodies with status 200 that aren't the list that was asked for, and records that aren't what they should be.

use crate::answer::Answer;
use crate::case::{Case, NOT_THE_SEVENTH, case, page, record};
use crate::server::About;

const BROKEN: &str = "the answer to GET /time/workRoles stops being JSON at byte ";

/// The page with a part of it replaced.
fn page_with(part: &str, other: &str) -> Answer {
    assert!(page().contains(part));
    Answer::json(page().replacen(part, other, 1)).last()
}

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case("SSL is required")
            .everything(Answer::json("{\"code\":\"Security\",\"message\":\"SSL is required.\",\"errors\":null}"))
            .fails("the server answers GET /time/workRoles/count with an error in place of data (Security: SSL is required): http://127.0.0.1:")
            .notes("/v4_6_release/apis/3.0 was asked for the company \"acme\"; check that CW_BASE_URL names the API host"),
        case("an error in place of a page")
            .list([Answer::json("{\"code\":\"Security\",\"message\":\"SSL is required.\",\"errors\":null}")])
            .fails("the server answers GET /time/workRoles with an error in place of data (Security: SSL is required): http://127.0.0.1:"),
        case("a message in place of a page")
            .list([Answer::json("{\"message\":\"Service is starting\"}")])
            .fails("the server answers GET /time/workRoles with an error in place of data (Service is starting): http://127.0.0.1:"),
        case("a route that isn't there, with status 200")
            .everything(Answer::status(200, "Cannot route. Codebase/company is invalid").header("content-type", "text/plain"))
            .fails("the answer to GET /time/workRoles/count is not JSON but text/plain (Cannot route. Codebase/company is invalid): http://127.0.0.1:")
            .notes("was asked for the company \"acme\"; check that CW_BASE_URL names the API host"),
        case("a login page")
            .everything(Answer::html("<!DOCTYPE html><html><head><title>ConnectWise | Sign in</title></head><body>x</body></html>"))
            .fails("the answer to GET /time/workRoles/count is not JSON but an HTML page (ConnectWise | Sign in): http://127.0.0.1:"),
        case("a page of a captive portal in the middle of a read")
            .list([Answer::html("<html><head><title>Welcome to Airport WiFi</title></head></html>")])
            .fails("the answer to GET /time/workRoles is not JSON but an HTML page (Welcome to Airport WiFi): http://127.0.0.1:"),
        case("a page that would inject")
            .list([Answer::html("<html><title>\u{1b}]0;x\u{7}<script>alert(1)</script></title></html>")])
            .fails("is not JSON but an HTML page (")
            .never_says("\u{1b}"),
        case("an error in XML")
            .list([Answer::status(200, "<?xml version=\"1.0\"?><Error><Code>Denied</Code><Message>Access is denied.</Message></Error>").header("content-type", "application/xml")])
            .fails("the answer to GET /time/workRoles is not JSON but XML (Denied: Access is denied.): http://127.0.0.1:"),
        case("the list in XML")
            .list([Answer::status(200, "<ArrayOfWorkRole><WorkRole><Id>1</Id></WorkRole></ArrayOfWorkRole>").header("content-type", "application/xml")])
            .fails("the answer to GET /time/workRoles is not JSON but XML"),
        case("an empty body").list([Answer::json("")]).fails("the answer to GET /time/workRoles is empty: http://127.0.0.1:"),
        case("blanks").list([Answer::json(" \r\n\t ")]).fails("the answer to GET /time/workRoles is empty: "),
        case("null").list([Answer::json("null")]).fails("the answer to GET /time/workRoles is JSON but not an array of records: check the path"),
        case("a number").list([Answer::json("42")]).fails("is JSON but not an array of records"),
        case("a text").list([Answer::json("\"OK\"")]).fails("is JSON but not an array of records"),
        case("one record in place of a list").list([Answer::json(record(1, "Role"))]).fails("is JSON but not an array of records"),
        case("a list in an envelope").list([Answer::json(format!("{{\"value\":{}}}", page()))]).fails("is JSON but not an array of records"),
        case("a list in a list").list([Answer::json(format!("[{}]", page())).last()]).fails("the server counts 7 records and sent 1"),
        case("a page that was cut")
            .list([Answer::json(&page()[..page().len() - 20])]),
        case("a page that is cut for good")
            .always(About::List, Answer::json(&page()[..page().len() - 20]))
            .fails("the answer to GET /time/workRoles broke off after 2 attempts: try again later, or with a smaller page size"),
        case("two lists")
            .list([Answer::json(format!("{}{}", page(), page())).last()])
            .fails(BROKEN),
        case("a list, and a word behind it")
            .list([Answer::json(format!("{} OK]", page())).last()])
            .fails(BROKEN),
        case("JavaScript around a list").list([Answer::json(format!("callback({})", page()))]).fails("the answer to GET /time/workRoles is not JSON but application/json"),
        case("a guard before a list").list([Answer::json(format!(")]}}',\n{}", page()))]).fails("the answer to GET /time/workRoles is not JSON but application/json"),
        case("NaN in a record")
            .list([page_with("\"hourlyRate\":20.5", "\"hourlyRate\":NaN")])
            .notes("1 with rescued values")
            .rows(r#"[{"id":1,"name":"Role 1","hourlyRate":10.5},{"id":2,"name":"Changed 2","_rescued":"{\"/hourlyRate\":\"NaN\"}"},{"id":3,"name":"Role 3","hourlyRate":30.5},{"id":4,"name":"Role 4","hourlyRate":40.5},{"id":5,"name":"Role 5","hourlyRate":50.5},{"id":6,"name":"Role 6","hourlyRate":60.5},{"id":7,"name":"Role 7","hourlyRate":70.5}]"#),
        case("Infinity in a record")
            .list([page_with("\"hourlyRate\":70.5", "\"hourlyRate\":-Infinity")])
            .notes("1 with rescued values")
            .rows(r#"[{"id":1,"name":"Role 1","hourlyRate":10.5},{"id":2,"name":"Changed 2","hourlyRate":20.5},{"id":3,"name":"Role 3","hourlyRate":30.5},{"id":4,"name":"Role 4","hourlyRate":40.5},{"id":5,"name":"Role 5","hourlyRate":50.5},{"id":6,"name":"Role 6","hourlyRate":60.5},{"id":7,"name":"Role 7","_rescued":"{\"/hourlyRate\":\"-Infinity\"}"}]"#),
        case("a new record that isn't JSON")
            .list([page_with("\"hourlyRate\":70.5", "\"hourlyRate\":")])
            .incomplete("are in bronze/bronze_cw_quarantine: 1 (7) (the record isn't JSON")
            .quarantines("Role 7")
            .rows(NOT_THE_SEVENTH),
        case("a new record with a tab in its text")
            .list([page_with("Role 7", "Role\t7")])
            .incomplete("are in bronze/bronze_cw_quarantine: 1 (7) (the record isn't JSON")
            .quarantines("the record isn't JSON")
            .rows(NOT_THE_SEVENTH),
        case("a new record with a number that JSON doesn't know")
            .list([page_with("\"hourlyRate\":70.5", "\"hourlyRate\":070.5")])
            .incomplete("are in bronze/bronze_cw_quarantine: 1 (7) (the record isn't JSON")
            .quarantines("070.5")
            .rows(NOT_THE_SEVENTH),
        case("a new record with a wrong escape")
            .list([page_with("Role 7", "Role \\7")])
            .incomplete("are in bronze/bronze_cw_quarantine: 1 (7) (the record isn't JSON")
            .rows(NOT_THE_SEVENTH),
        case("a quote that nobody closes")
            .list([page_with("Role 7\"", "Role 7")])
            .fails(BROKEN),
        case("a comma too many").list([page_with("},{\"id\":7", "},,{\"id\":7")]).fails(BROKEN),
        case("no comma between records").list([page_with("},{\"id\":7", "}{\"id\":7")]).fails(BROKEN),
        case("single quotes").list([Answer::json(page().replace('"', "'"))]).fails(BROKEN),
        case("a record without id")
            .list([page_with("{\"id\":7,", "{")])
            .incomplete("are in bronze/bronze_cw_quarantine: 1 (one behind 6) (the record has no usable key in /id")
            .quarantines("Role 7")
            .rows(NOT_THE_SEVENTH),
        case("a record whose id is a text")
            .list([page_with("{\"id\":7,", "{\"id\":\"seven\",")])
            .incomplete("are in bronze/bronze_cw_quarantine: 1 (one behind 6) (the record has no usable key in /id")
            .quarantines("seven")
            .rows(NOT_THE_SEVENTH),
        case("a record whose id is too large")
            .list([page_with("{\"id\":7,", "{\"id\":99999999999999999999,")])
            .incomplete("are in bronze/bronze_cw_quarantine: 1 (one behind 6) (the record has no usable key in /id")
            .quarantines("99999999999999999999")
            .rows(NOT_THE_SEVENTH),
        case("null in place of a record")
            .list([page_with(&record(7, "Role"), "null")])
            .incomplete("are in bronze/bronze_cw_quarantine: 1 (one behind 6) (the record isn't an object")
            .rows(NOT_THE_SEVENTH),
        case("a name that is a number")
            .list([page_with("\"Role 7\"", "7")])
            .notes("1 with rescued values")
            .rows(r#"[{"id":1,"name":"Role 1","hourlyRate":10.5},{"id":2,"name":"Changed 2","hourlyRate":20.5},{"id":3,"name":"Role 3","hourlyRate":30.5},{"id":4,"name":"Role 4","hourlyRate":40.5},{"id":5,"name":"Role 5","hourlyRate":50.5},{"id":6,"name":"Role 6","hourlyRate":60.5},{"id":7,"hourlyRate":70.5,"_rescued":"{\"/name\":7}"}]"#),
        case("a property that nobody knows, and one twice")
            .list([page_with("{\"id\":7,", "{\"id\":7,\"colour\":\"red\",\"name\":\"first\",")])
            .notes("1 with rescued values")
            .rows(r#"[{"id":1,"name":"Role 1","hourlyRate":10.5},{"id":2,"name":"Changed 2","hourlyRate":20.5},{"id":3,"name":"Role 3","hourlyRate":30.5},{"id":4,"name":"Role 4","hourlyRate":40.5},{"id":5,"name":"Role 5","hourlyRate":50.5},{"id":6,"name":"Role 6","hourlyRate":60.5},{"id":7,"name":"Role 7","hourlyRate":70.5,"_rescued":"{\"/colour\":\"red\"}"}]"#),
        case("a number that is too large")
            .list([page_with("\"hourlyRate\":70.5", "\"hourlyRate\":1e999")])
            .rows(r#"[{"id":1,"name":"Role 1","hourlyRate":10.5},{"id":2,"name":"Changed 2","hourlyRate":20.5},{"id":3,"name":"Role 3","hourlyRate":30.5},{"id":4,"name":"Role 4","hourlyRate":40.5},{"id":5,"name":"Role 5","hourlyRate":50.5},{"id":6,"name":"Role 6","hourlyRate":60.5},{"id":7,"name":"Role 7","_rescued":"{\"/hourlyRate\":1e999}"}]"#),
        case("a company that nobody knows, and lists all the same").always(About::Company, Answer::json("null")),
        case("companyinfo that is a page for people").always(About::Company, Answer::html("<html><title>x</title></html>")),
        case("companyinfo that fails").always(About::Company, Answer::status(500, "")),
        case("a codebase that would lead elsewhere")
            .always(About::Company, Answer::json("{\"Codebase\":\"../../evil\"}")),
    ]
}
