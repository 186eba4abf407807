//! Error statuses, in every form in which they come.

use crate::answer::Answer;
use crate::case::{Case, case};
use crate::server::About;

const GATEWAY: &str = "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>";

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case("an honest server"),
        case("401 in the API's form")
            .everything(Answer::error(401, "Unauthorized", "Unauthorized"))
            .fails("the server refused the credentials for GET /time/workRoles/count (401 Unauthorized: Unauthorized: Unauthorized): check CW_AUTH_USERNAME, CW_AUTH_PASSWORD and CW_CLIENTID"),
        case("401 with an empty body")
            .everything(Answer::status(401, ""))
            .fails("the server refused the credentials for GET /time/workRoles/count (401 Unauthorized: the answer says nothing more): check CW_AUTH_USERNAME, CW_AUTH_PASSWORD and CW_CLIENTID"),
        case("401 with a page for people")
            .everything(Answer::status(401, "<html><title>Sign in</title></html>").header("www-authenticate", "Negotiate"))
            .fails("(401 Unauthorized: Sign in): check CW_AUTH_USERNAME, CW_AUTH_PASSWORD and CW_CLIENTID"),
        case("401 that echoes the credentials")
            .everything(Answer::error(401, "Unauthorized", "Basic YWNtZStwdWJsaWM6Z2VoZWltLTQ3MTE= for 11111111-2222-3333-4444-555555555555 geheim-4711"))
            .fails("the server refused the credentials for GET /time/workRoles/count (401 Unauthorized: Unauthorized: Basic [redacted] for [redacted] [redacted]): check"),
        case("401 once the read has begun")
            .list([Answer::error(401, "Unauthorized", "The key was revoked.")])
            .fails("the server refused the credentials for GET /time/workRoles (401 Unauthorized: Unauthorized: The key was revoked): check CW_AUTH_USERNAME"),
        case("403 for all")
            .everything(Answer::error(403, "Forbidden", "You do not have permission."))
            .fails("the server forbids GET /time/workRoles (403 Forbidden: Forbidden: You do not have permission): check the security role of the API member and CW_CLIENTID, and that the route exists"),
        case("403 of a proxy")
            .everything(Answer::status(403, "<html><head><title>Access denied | Cloudflare</title></head></html>"))
            .fails("the server forbids GET /time/workRoles (403 Forbidden: Access denied | Cloudflare): check the security role of the API member and CW_CLIENTID"),
        case("404 for all")
            .everything(Answer::error(404, "NotFound", "The endpoint does not exist."))
            .fails("the server does not know GET /time/workRoles (404 Not Found: NotFound: The endpoint does not exist): check the path and the id, and whether CW_BASE_URL and the credentials fit this server"),
        case("404 of another server")
            .everything(Answer::status(404, "<html><head><title>404 - File or directory not found.</title></head></html>"))
            .fails("the server does not know GET /time/workRoles (404 Not Found: 404 - File or directory not found): check the path and the id, and whether CW_BASE_URL and the credentials fit this server"),
        case("400 cannot route")
            .everything(Answer::status(400, "Cannot route. Codebase/company is invalid").header("content-type", "text/plain"))
            .fails("there is no way to the API for GET /time/workRoles/count (400 Bad Request: Cannot route. Codebase/company is invalid): http://127.0.0.1:")
            .notes("/v4_6_release/apis/3.0 was asked for the company \"acme\"; check that CW_BASE_URL names the API host, as https://api-na.myconnectwise.net does, and not the web client or a proxy, and that the company before + in CW_AUTH_USERNAME is right"),
        case("400 in the API's form")
            .list([Answer::error(400, "InvalidObject", "workRole object is invalid")])
            .fails("the server rejected GET /time/workRoles (400 Bad Request: InvalidObject: workRole object is invalid): correct the request"),
        case("400 for the version")
            .everything(Answer::error(400, "ConnectWiseApi", "The HTTP resource that matches the request URI does not support the API version '2025.8'."))
            .fails("does not support the API version '2025.8'): correct the request"),
        case("301 to another address")
            .everything(Answer::status(301, "").header("location", "https://evil.example/"))
            .fails("the server redirects GET /time/workRoles/count instead of answering (301 Moved Permanently: the answer says nothing more): check the host in CW_BASE_URL, redirects are not followed")
            .within(5),
        case("302 to a login page")
            .everything(Answer::status(302, "<html><title>Object moved</title></html>").header("location", "/v4_6_release/login"))
            .fails("the server redirects GET /time/workRoles/count instead of answering (302 Found: Object moved): check the host in CW_BASE_URL, redirects are not followed"),
        case("304 without being asked for it")
            .list([Answer::status(304, "")])
            .fails("the server redirects GET /time/workRoles instead of answering (304 Not Modified: the answer says nothing more)"),
        case("402 pay first")
            .everything(Answer::error(402, "License", "The licence has expired."))
            .fails("the server rejected GET /time/workRoles/count (402 Payment Required: License: The licence has expired)"),
        case("407 of a proxy")
            .everything(Answer::status(407, ""))
            .fails("the server rejected GET /time/workRoles/count (407 Proxy Authentication Required: the answer says nothing more)"),
        case("408 once")
            .list([Answer::status(408, "")]),
        case("408 for good")
            .everything(Answer::status(408, ""))
            .fails("the server gave up waiting for GET /time/workRoles/count after 2 attempts (408 Request Timeout: the answer says nothing more): try again later, or with a smaller page size if it is always the same page"),
        case("410 gone")
            .list([Answer::error(410, "Gone", "This version was withdrawn.")])
            .fails("(410 Gone: Gone: This version was withdrawn)"),
        case("413 too large")
            .list([Answer::status(413, "")])
            .fails("(413 Payload Too Large: the answer says nothing more)"),
        case("414 too long an address")
            .list([Answer::status(414, "<html><title>Request-URI Too Large</title></html>")])
            .fails("(414 URI Too Long: Request-URI Too Large)"),
        case("415 another accept header")
            .everything(Answer::error(415, "UnsupportedMediaType", "Check your accept header for the correct version"))
            .fails("(415 Unsupported Media Type: UnsupportedMediaType: Check your accept header for the correct version)"),
        case("418 of a joker")
            .list([Answer::status(418, "short and stout")])
            .fails("(418 I'm a teapot: short and stout)"),
        case("451 for lawyers")
            .list([Answer::status(451, "")])
            .fails("(451 Unavailable For Legal Reasons: the answer says nothing more)"),
        case("499 that has no name")
            .list([Answer::status(499, "")])
            .fails("the server rejected GET /time/workRoles (499: the answer says nothing more)"),
        case("500 once")
            .list([Answer::error(500, "ConnectWiseApi", "A timeout has occured. Please try again.")]),
        case("500 for good")
            .everything(Answer::error(500, "ConnectWiseApi", "String was not recognized as a valid Boolean."))
            .fails("the server failed on GET /time/workRoles/count after 2 attempts (500 Internal Server Error: ConnectWiseApi: String was not recognized as a valid Boolean): try again later, or with a smaller page size if it is always the same page"),
        case("501 for all")
            .everything(Answer::status(501, ""))
            .fails("the server failed on GET /time/workRoles (501 Not Implemented: the answer says nothing more)"),
        case("502 once, with a page of the gateway")
            .list([Answer::status(502, GATEWAY).header("content-type", "text/html")]),
        case("502 for good")
            .everything(Answer::status(502, GATEWAY))
            .fails("the server failed on GET /time/workRoles/count after 2 attempts (502 Bad Gateway: 502 Bad Gateway): try again later"),
        case("503 once")
            .on(About::Count, [Answer::status(503, "")]),
        case("503 for days")
            .everything(Answer::status(503, "Maintenance").header("retry-after", "172800"))
            .fails("the server turns GET /time/workRoles/count away (503 Service Unavailable: Maintenance) and asks to be left alone for 48 hours, longer than the 5 minutes that a request waits: run again after that")
            .within(4),
        case("504 once")
            .list([Answer::status(504, "")]),
        case("522 of a CDN, once")
            .list([Answer::status(522, "<html><title>Connection timed out</title></html>")]),
        case("525 of a CDN")
            .everything(Answer::status(525, "<html><title>SSL handshake failed</title></html>"))
            .fails("the server failed on GET /time/workRoles/count (525: SSL handshake failed)"),
        case("599 that has no name")
            .everything(Answer::status(599, ""))
            .fails("the server failed on GET /time/workRoles/count (599: the answer says nothing more)"),
        case("204 in place of a page")
            .list([Answer::status(204, "")])
            .fails("the answer to GET /time/workRoles is empty: http://127.0.0.1:"),
        case("an error body of another shape")
            .everything(Answer::status(400, "{\"code\":7,\"message\":{\"text\":\"no\"},\"errors\":\"many\"}"))
            .fails("the server rejected GET /time/workRoles/count (400 Bad Request: "),
        case("an error body with control characters")
            .everything(Answer::status(400, "{\"code\":\"Bad\\u001b[31m\",\"message\":\"red\\u001b[0m\\r\\nfake: line\\u0007\"}"))
            .fails("the server rejected GET /time/workRoles/count (400 Bad Request: Bad [31m: red [0m fake: line): correct the request")
            .never_says("\u{1b}"),
        case("an error body without an end")
            .everything(Answer::status(500, "{\"code\":\"Big\",").claims(5_000))
            .fails("the server failed on GET /time/workRoles/count after 2 attempts (500 Internal Server Error: [what looks like a record is left out])"),
    ]
}
