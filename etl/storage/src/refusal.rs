//! Errors that mean that a store refused, in one sentence in place of the libraries' many.

use std::error::Error;
use std::fmt;

use serde_json::Value;

use crate::sentence::chain;
use crate::words;

/// Why there is no token.
#[derive(Debug)]
pub(crate) struct NoToken(pub(crate) String);

impl fmt::Display for NoToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no token opens the lakehouse: {}", self.0)
    }
}

impl Error for NoToken {}

/// What to say of an error whose cause is that a store refused, or that there is no token for it; `None` for others.
pub(crate) fn refusal(error: &(dyn Error + 'static)) -> Option<String> {
    let mut answer = None;
    for inner in chain(error) {
        if let Some(why) = inner.downcast_ref::<NoToken>() {
            return Some(why.to_string());
        }
        // The library's type for it is private, and others make texts of it.
        answer = answer.or_else(|| sentence(&inner.to_string()));
    }
    answer
}

/// Of the text of an error: what the store answered, and what to do.
fn sentence(text: &str) -> Option<String> {
    const REGION: &str = "the bucket is in another region: set AWS_REGION";
    if words::redirected(text) {
        return Some(REGION.to_owned());
    }
    let answer = words::answer(text)?;
    let (status, body) = answer.split_once(": ").unwrap_or((answer, ""));
    let code = code(body);
    let what = match (status.get(..3)?, code.as_deref()) {
        // Codes of S3 and Google, and of those who give tokens for stores.
        (_, Some("InvalidAccessKeyId" | "SignatureDoesNotMatch" | "AuthenticationRequired" | "InvalidSecurity"))
        | (_, Some("ExpiredToken" | "ExpiredTokenException" | "InvalidToken" | "InvalidIdentityToken"))
        | (_, Some("invalid_grant" | "invalid_client" | "unauthorized_client")) => {
            "it doesn't take the credentials: they are wrong, or have ended"
        }
        (_, Some("AccessDenied")) => {
            "its owner gives these credentials no right to that: they have to list, read, write and delete objects"
        }
        (_, Some("NoSuchBucket")) => "there is no bucket of this name: make one, or write another name",
        (_, Some("AuthorizationHeaderMalformed" | "PermanentRedirect")) => REGION,
        (_, Some("RequestTimeTooSkewed")) => "the clock of this machine is wrong",
        ("401", _) | ("403", Some("AuthenticationFailed")) => {
            "it doesn't take the credentials: they have ended, or are for another audience than https://storage.azure.com"
        }
        ("403", _) => {
            "its owner gives these credentials no right to that: in OneLake it takes the role Contributor of the workspace"
        }
        ("412", _) => "somebody else was faster: run again",
        ("429", _) => "it is asked for more than it gives at a time: run again later",
        (status, _) if status.starts_with('5') => "it fails: run again later",
        _ => return None,
    };
    let code = code.map(|code| format!(" ({code})")).unwrap_or_default();
    Some(format!("the store answers {}{code}: {what}", status.trim()))
}

/// What an answer calls its error: stores write XML, and those who give tokens JSON.
fn code(body: &str) -> Option<String> {
    if let Some((_, rest)) = body.split_once("<Code>") {
        return Some(rest.split_once("</Code>")?.0.trim().to_owned());
    }
    let answer: Value = serde_json::Deserializer::from_str(body).into_iter().next()?.ok()?;
    Some(answer.get("error")?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use crate::error::{Error, Kind};
    use crate::words::ANSWER;

    fn report(status: &str, body: &str) -> String {
        let text = format!(
            "Error performing list request: Error performing GET http://127.0.0.1/ws?restype=container in 2ms - {ANSWER}{status}: {body}"
        );
        Error::new(Kind::Lake, "the table can't be opened").with_source(std::io::Error::other(text)).report()
    }

    #[test]
    fn an_answer_of_the_store_is_one_sentence() {
        let body =
            "<?xml version=\"1.0\"?>\n<Error><Code>InvalidAuthenticationInfo</Code><Message>eyJ0</Message></Error>";
        assert_eq!(
            report("401 Unauthorized", body),
            "the table can't be opened: the store answers 401 Unauthorized (InvalidAuthenticationInfo): it doesn't take the \
             credentials: they have ended, or are for another audience than https://storage.azure.com"
        );
        let failed = report("403 Forbidden", "<Error><Code>AuthenticationFailed</Code></Error>");
        assert!(failed.contains("(AuthenticationFailed): it doesn't take the credentials"), "{failed}");
        let unauthorized = report("403 Forbidden", "<Error><Code>AuthorizationPermissionMismatch</Code></Error>");
        assert!(unauthorized.contains("it takes the role Contributor"), "{unauthorized}");
        assert_eq!(
            report("503 Service Unavailable", ""),
            "the table can't be opened: the store answers 503 Service Unavailable: it fails: run again later"
        );
        let skewed = report("403 Forbidden", "<Error><Code>RequestTimeTooSkewed</Code></Error>");
        assert!(skewed.contains("the clock of this machine is wrong"), "{skewed}");
        let sealed = report("400 Bad Request", "{\"error\": \"invalid_grant\", \"error_description\": \"eyJ0\"}");
        assert_eq!(
            sealed,
            "the table can't be opened: the store answers 400 Bad Request (invalid_grant): it doesn't take the credentials: they are \
             wrong, or have ended"
        );
        // Which object isn't there matters.
        assert!(report("404 Not Found", "").contains("http://127.0.0.1/ws"));
    }
}
