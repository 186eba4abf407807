//! Change times that lie in the future, and watermarks that they left.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{Examination, Finding, Verdict};

/// Whether the newest records changed after the server's own clock.
pub(super) fn check(examination: &mut Examination) {
    const CHECK: &str = "change times";
    let newest = || examination.entities.iter().filter_map(|finding| Some((finding, finding.newest?, finding.clock?)));
    let ahead: Vec<String> = newest()
        .filter(|(_, newest, clock)| clock.is_future(newest.time))
        .map(|(finding, newest, _)| {
            format!("{} {} ({})", finding.entity, newest.key, newest.time.format("%Y-%m-%d %H:%M UTC"))
        })
        .collect();
    let finding = match (newest().next(), ahead.as_slice()) {
        (None, _) => Finding::new(CHECK, Verdict::Unknown, "there is no record to look at"),
        (_, []) => Finding::new(CHECK, Verdict::Good, "no record says that it changed in the future"),
        (_, ahead) => {
            let found = format!("records say that they changed in the future: {}", ahead.join(", "));
            Finding::new(CHECK, Verdict::Doubt, found).advice(
                "runs read them like all others and let no watermark follow them; put their dates right in the PSA, as reports \
                 by change time are wrong",
            )
        }
    };
    examination.checks.push(finding);
}

/// Adds whether the watermarks of a lakehouse, by entity, lie ahead of the server's clock. Nothing is added where it has none.
pub fn watermarks(examination: &mut Examination, stored: &BTreeMap<&str, DateTime<Utc>>) {
    const CHECK: &str = "watermarks";
    let known = || examination.entities.iter().filter_map(|of| Some((of.entity, of.clock?, stored.get(of.entity)?)));
    let ahead: Vec<String> = known()
        .filter(|(_, clock, watermark)| **watermark > clock.most)
        .map(|(entity, _, watermark)| format!("{entity} ({})", watermark.format("%Y-%m-%d %H:%M UTC")))
        .collect();
    let stored = known().count();
    match ahead.as_slice() {
        [] if stored == 0 => {}
        [] => {
            let found = format!("none of {stored} lies ahead of the server's clock");
            examination.checks.push(Finding::new(CHECK, Verdict::Good, found));
        }
        ahead => {
            let found =
                format!("ahead of the server's clock, so that changes may have been missed: {}", ahead.join(", "));
            let advice =
                "the next run reads all of these lists again and sets their watermarks right: connectwise-etl run";
            examination.checks.push(Finding::new(CHECK, Verdict::Doubt, found).advice(advice));
        }
    }
}
