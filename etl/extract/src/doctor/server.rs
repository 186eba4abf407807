//! Whether there is a server, whether it lets us in, which version it runs and what time it thinks it is.

use chrono::{DateTime, TimeDelta, Utc};
use connectwise_sdk::{Client, CompanyInfo, Error, ErrorKind, Method, Response};

use super::{Access, EntityFinding, Examination, Finding, Verdict};

/// Clocks may differ by this much.
const CLOSE: TimeDelta = TimeDelta::seconds(60);

/// The name of the check that says whether the credentials are good.
const CREDENTIALS: &str = "credentials";

/// Asks the server about itself. The client to go on with, `None` when that makes no sense: an older server is asked in its
/// own version, as it will be once the setting is made.
pub(super) async fn check(
    client: &Client,
    now: &(dyn Fn() -> DateTime<Utc> + Sync),
    examination: &mut Examination,
) -> Option<Client> {
    let checks = &mut examination.checks;
    let mut client = client.clone();
    match client.company_info().await {
        Ok(info) => {
            checks.push(company(&info));
            if let Some(server) = release(&info) {
                checks.push(version(server, &client, &mut examination.settings));
                client = in_version_of(server, &client).unwrap_or(client);
            }
        }
        Err(error) if is_silence(&error) || error.kind() == ErrorKind::Decode => {
            checks.push(Finding::new("server", Verdict::Bad, error.to_string()));
            return None;
        }
        Err(error) => checks.push(unknown_company(&error)),
    }
    let asked = now();
    match client.request(Method::Get, "/system/info").send().await {
        Ok(response) => {
            checks.push(Finding::new(CREDENTIALS, Verdict::Good, "the server lets us in"));
            checks.push(clock(&response, asked, now()));
            Some(client)
        }
        Err(error) if error.is_unauthorized() => {
            checks.push(Finding::new(CREDENTIALS, Verdict::Bad, error.to_string()));
            None
        }
        Err(error) if error.is_unroutable() => {
            let advice = "check the company in CW_AUTH_USERNAME (company+publicKey), and CW_BASE_URL or CW_SITE";
            checks.push(Finding::new("server", Verdict::Bad, error.to_string()).advice(advice));
            None
        }
        Err(error) if is_silence(&error) => {
            let advice = "cloud hosts also hang up on credentials that they don't know: check CW_AUTH_USERNAME, \
                          CW_AUTH_PASSWORD and CW_CLIENTID";
            checks.push(Finding::new("server", Verdict::Bad, error.to_string()).advice(advice));
            None
        }
        Err(_) => {
            // A role without rights to it, or credentials that are answered with 404: the lists will tell.
            checks.push(Finding::new(CREDENTIALS, Verdict::Unknown, "the server doesn't say"));
            checks.push(Finding::new("clock", Verdict::Unknown, "the server doesn't tell its time"));
            Some(client)
        }
    }
}

/// A list was read, so the credentials are good, whatever the server says about itself.
pub(super) fn let_in(checks: &mut [Finding]) {
    for finding in checks.iter_mut().filter(|finding| finding.check == CREDENTIALS) {
        finding.verdict = Verdict::Good;
        finding.found = "the server lets us in".to_owned();
    }
}

/// No list could be read.
pub(super) fn nobody_let_in(entities: &[EntityFinding]) -> Finding {
    let count = |wanted: &Access| entities.iter().filter(|finding| finding.access == *wanted).count();
    let forbidden = count(&Access::Forbidden);
    let missing = count(&Access::NotFound);
    let other = entities.len() - forbidden - missing;
    Finding::new(
        CREDENTIALS,
        Verdict::Bad,
        format!("none of {} lists can be read: {forbidden} forbidden, {missing} not found, {other} failed", entities.len()),
    )
    .advice(
        "check CW_AUTH_USERNAME, CW_AUTH_PASSWORD and CW_CLIENTID, as cloud hosts answer a wrong key with 404; if they are \
         right, the API member's security role has no rights at all",
    )
}

fn is_silence(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Connect | ErrorKind::Timeout | ErrorKind::Interrupted)
}

fn company(info: &CompanyInfo) -> Finding {
    let hosted = match info.is_cloud {
        Some(true) => ", hosted by the vendor",
        Some(false) => ", on its own server",
        None => "",
    };
    let build = info.version_number.as_deref().map_or_else(String::new, |build| format!(", build {build}"));
    let codebase = info.codebase.trim_matches('/');
    Finding::new("server", Verdict::Good, format!("it runs the codebase {codebase}{build}{hosted}"))
}

fn unknown_company(error: &Error) -> Finding {
    if error.is_config() {
        return Finding::new("server", Verdict::Bad, error.to_string());
    }
    Finding::new("server", Verdict::Unknown, format!("it doesn't say which codebase it runs: {error}"))
}

fn release(info: &CompanyInfo) -> Option<(u32, u32)> {
    [&info.version_code, &info.version_number].into_iter().flatten().find_map(|text| number(text))
}

/// `v2025.1.104210` as (2025, 1).
fn number(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.trim().trim_start_matches(['v', 'V']).split(['.', '_']);
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

fn version(server: (u32, u32), client: &Client, settings: &mut Vec<String>) -> Finding {
    let asked = client.config().version();
    let told = format!("the server runs {}.{}, and is asked for {asked}", server.0, server.1);
    match number(asked) {
        Some(known) if server < known => {
            let setting = format!("api_version = \"{}.{}\"", server.0, server.1);
            settings.push(setting.clone());
            Finding::new("version", Verdict::Doubt, told).advice(format!(
                "an older server refuses a newer version: set {setting} under [source], or CW_API_VERSION; columns that it \
                 doesn't know stay empty. What follows was found in its own version"
            ))
        }
        Some(known) if server > known => Finding::new("version", Verdict::Doubt, told)
            .advice("properties that are new stay in _rescued, and drift lists them: nothing is lost"),
        _ => Finding::new("version", Verdict::Good, told),
    }
}

/// A client that asks an older server in its own version; `None` where the version is known to the server.
fn in_version_of(server: (u32, u32), client: &Client) -> Option<Client> {
    let config = client.config();
    let newer = number(config.version()).is_some_and(|asked| server < asked);
    let config = newer.then(|| config.clone().with_version(&format!("{}.{}", server.0, server.1)))?;
    // What can't be set up for that version is examined in the configured one, which the finding of both versions names.
    Client::new(config.ok()?).ok()
}

fn clock(response: &Response, asked: DateTime<Utc>, answered: DateTime<Utc>) -> Finding {
    let Some(server) = response.date().map(DateTime::<Utc>::from) else {
        return Finding::new("clock", Verdict::Unknown, "the server doesn't tell its time");
    };
    let here = asked + (answered - asked) / 2;
    let ahead = server - here;
    let seconds = ahead.num_seconds();
    if ahead.abs() <= CLOSE {
        return Finding::new("clock", Verdict::Good, format!("the clocks differ by {} s", seconds.abs()));
    }
    let way = if seconds > 0 { "behind" } else { "ahead of" };
    Finding::new("clock", Verdict::Doubt, format!("this machine's clock is {} s {way} the server's", seconds.abs())).advice(
        "no change is missed by that, as watermarks are the server's time; but etlTimestamp, the ages that status shows and \
         certificates go by this clock: set it right",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_read_in_all_their_forms() {
        assert_eq!(number("v2025.1"), Some((2025, 1)));
        assert_eq!(number("v2025.1.104210"), Some((2025, 1)));
        assert_eq!(number("2025.16"), Some((2025, 16)));
        assert_eq!(number("v4_6"), Some((4, 6)));
        assert_eq!(number("soon"), None);
        assert!((2025, 16) > (2025, 8), "numbers, not texts");
    }
}
