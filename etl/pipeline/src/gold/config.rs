//! What a tenant says about its own data: time zone, agreement rules, the number's caption, fiscal year, holidays and stale tickets.

use chrono::{DateTime, NaiveDate, Utc};
use connectwise_extract::closest::advice;
use regex::{Regex, RegexBuilder};
use serde::de::value::SeqAccessDeserializer;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::own::OwnModels;
use super::zone;
use crate::error::{Error, Result};

/// Configuration of the gold layer, table `[gold]` of the configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GoldConfig {
    /// Time zone of the business, a name of the IANA database: an instant is on the day that its clocks show then. A calendar day
    /// that the API gives is a day in every zone.
    pub time_zone: String,
    /// Rules that classify agreement types by name; the first that matches holds. Without any list of rules, agreements are
    /// classified by what they and their types say of how they are billed. A file can name a built-in list, `"icelandic-msp"`.
    #[serde(deserialize_with = "rules")]
    pub agreement_rules: Option<Vec<AgreementRule>>,
    /// Caption of the custom field that holds an agreement's number. Without one, the first field that has a value.
    pub agreement_number_caption: Option<String>,
    /// Month in which the fiscal year starts, 1 to 12. A fiscal year is called after the year in which it ends.
    pub fiscal_year_start_month: u32,
    /// Built-in holiday calendars that count. A day is a holiday when it is one in any of them.
    pub holiday_calendars: Vec<HolidayCalendar>,
    /// Further holidays.
    pub holidays: Vec<Holiday>,
    /// Business days without a change after which an open ticket is stale.
    pub stale_ticket_business_days: u16,
    /// Names of work types whose hours are time off, beside those of which the PSA says what they accrue. Case doesn't count.
    pub time_off: Vec<String>,
    /// Ids of charge codes whose hours are time off, whatever their work type.
    pub time_off_charge_codes: Vec<i32>,
    /// What the names of the built-in facts begin with where they are stored, as in `gold_cw_fact_timeentry`. Empty for nothing.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub fact_prefix: String,
    /// Models of the user's project, beside the built-in ones. They are files, and no part of the configuration's text.
    #[serde(skip)]
    pub models: OwnModels,
}

/// One rule of the classification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgreementRule {
    /// Regular expression, matched without regard to case anywhere in the trimmed type name.
    pub pattern: String,
    /// Normalised type, for example `prepaid_hours`.
    pub normalized: String,
    /// Billing behaviour: one of [`BEHAVIORS`].
    pub behavior: String,
}

/// The billing behaviours that the models know. Another one would count for nothing without a word.
pub const BEHAVIORS: [&str; 5] = ["billable", "prepaid", "internal", "operations", "unknown"];

/// Name of the built-in rules.
const ICELANDIC_MSP: &str = "icelandic-msp";

impl AgreementRule {
    /// The built-in rules `icelandic-msp`: agreement types as one Icelandic MSP calls them.
    pub fn icelandic_msp() -> Vec<Self> {
        [
            ("yÞjónusta", "billable_service", "billable"),
            (r"Tímapottur\s*:?", "prepaid_hours", "prepaid"),
            ("Innri verkefni", "internal_project", "internal"),
            ("Rekstrarþjónusta", "operations", "operations"),
            ("Alrekstur", "operations", "operations"),
            ("Hugbúnaðarþjónusta", "software_service", "billable"),
            ("Office 365", "software_service", "billable"),
        ]
        .into_iter()
        .map(|(pattern, normalized, behavior)| Self {
            pattern: pattern.to_owned(),
            normalized: normalized.to_owned(),
            behavior: behavior.to_owned(),
        })
        .collect()
    }

    /// What is empty in it.
    fn empty(&self) -> Option<&'static str> {
        let parts = [("pattern", &self.pattern), ("normalized", &self.normalized)];
        parts.into_iter().find(|(_, text)| text.trim().is_empty()).map(|(name, _)| name)
    }
}

/// A holiday calendar that is built in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum HolidayCalendar {
    /// Federal holidays of the United States, and the weekday on which one on a weekend is observed.
    #[serde(rename = "US")]
    UnitedStates,
    /// Public holidays of Iceland, Christmas Eve and New Year's Eve included.
    #[serde(rename = "IS")]
    Iceland,
}

/// A holiday that no built-in calendar has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holiday {
    /// The day, `yyyy-mm-dd`.
    #[serde(deserialize_with = "day")]
    pub date: NaiveDate,
    /// What it is called.
    pub name: String,
}

fn day<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<NaiveDate, D::Error> {
    let text = String::deserialize(deserializer)?;
    let day = NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d");
    day.map_err(|_| serde::de::Error::custom(format!("{text:?} is no day, which is written as \"2026-12-24\"")))
}

impl Default for GoldConfig {
    fn default() -> Self {
        Self {
            time_zone: zone::DEFAULT.to_owned(),
            agreement_rules: None,
            agreement_number_caption: None,
            fiscal_year_start_month: 1,
            holiday_calendars: Vec::new(),
            holidays: Vec::new(),
            stale_ticket_business_days: 5,
            time_off: Vec::new(),
            time_off_charge_codes: Vec::new(),
            fact_prefix: String::new(),
            models: OwnModels::default(),
        }
    }
}

/// Rules as a file has them: a list, or the name of a built-in one.
fn rules<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<Vec<AgreementRule>>, D::Error> {
    struct Rules;

    impl<'de> Visitor<'de> for Rules {
        type Value = Vec<AgreementRule>;

        fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(formatter, "a list of rules, or {ICELANDIC_MSP:?}")
        }

        fn visit_str<E: serde::de::Error>(self, name: &str) -> std::result::Result<Self::Value, E> {
            if name == ICELANDIC_MSP {
                return Ok(AgreementRule::icelandic_msp());
            }
            Err(E::custom(format!("there are no agreement rules called {name:?}: {ICELANDIC_MSP:?} is built in")))
        }

        fn visit_seq<A: SeqAccess<'de>>(self, rules: A) -> std::result::Result<Self::Value, A::Error> {
            Deserialize::deserialize(SeqAccessDeserializer::new(rules))
        }
    }

    deserializer.deserialize_any(Rules).map(Some)
}

impl GoldConfig {
    /// Checks what can be checked before anything is read.
    ///
    /// # Errors
    /// [`Kind::Usage`](crate::error::Kind::Usage), naming the rule whose pattern is no regular expression, that says
    /// nothing or whose behaviour isn't known, the month that is none, the time zone that the IANA database lacks, or the prefix that
    /// makes no names of tables.
    pub fn check(&self) -> Result<()> {
        zone::named(&self.time_zone)?;
        super::stored_names(self)?;
        self.classifier().map(|_| ())
    }

    /// The day of the business on which an instant is.
    pub(super) fn day_of(&self, instant: DateTime<Utc>) -> Result<NaiveDate> {
        Ok(instant.with_timezone(&zone::named(&self.time_zone)?).date_naive())
    }

    /// The configured rules, ready to match; none where agreements are classified by what they say themselves.
    pub(super) fn classifier(&self) -> Result<Option<Classifier>> {
        if !(1..=12).contains(&self.fiscal_year_start_month) {
            return Err(Error::fiscal_month(self.fiscal_year_start_month));
        }
        let Some(rules) = &self.agreement_rules else { return Ok(None) };
        let rules = rules.iter().enumerate().map(|(at, rule)| {
            if let Some(empty) = rule.empty() {
                return Err(Error::empty_rule(at + 1, empty));
            }
            if !BEHAVIORS.contains(&rule.behavior.as_str()) {
                let advice = advice(&rule.behavior, BEHAVIORS, &format!("the behaviors are {}", BEHAVIORS.join(", ")));
                return Err(Error::rule_behavior(at + 1, &rule.behavior, &advice));
            }
            let pattern = RegexBuilder::new(&rule.pattern).case_insensitive(true).build().map_err(|error| {
                // The library draws a picture of the fault over several lines; its last one says what it is.
                let reason = error.to_string();
                let reason = reason.lines().last().unwrap_or(&reason).trim().trim_start_matches("error: ");
                Error::rule_pattern(at + 1, &rule.pattern, reason)
            })?;
            Ok((pattern, rule.normalized.clone(), rule.behavior.clone()))
        });
        Ok(Some(Classifier { rules: rules.collect::<Result<_>>()? }))
    }
}

/// The rules, ready to match.
#[derive(Debug)]
pub(super) struct Classifier {
    rules: Vec<(Regex, String, String)>,
}

impl Classifier {
    /// Normalised type and billing behaviour of a type name, `None` when no rule matches.
    pub(super) fn classify(&self, type_name: &str) -> Option<(&str, &str)> {
        let name = type_name.trim();
        self.rules
            .iter()
            .find(|(pattern, ..)| pattern.is_match(name))
            .map(|(_, normalized, behavior)| (normalized.as_str(), behavior.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn icelandic() -> GoldConfig {
        toml::from_str("agreement_rules = \"icelandic-msp\"").unwrap()
    }

    #[test]
    fn no_rules_hold_unless_they_are_chosen() {
        assert!(GoldConfig::default().classifier().unwrap().is_none());
        assert_eq!(icelandic().agreement_rules, Some(AgreementRule::icelandic_msp()));
        let own = "[[agreement_rules]]\npattern = \"a\"\nnormalized = \"b\"\nbehavior = \"billable\"";
        assert_eq!(toml::from_str::<GoldConfig>(own).unwrap().agreement_rules.unwrap().len(), 1);
        assert_eq!(toml::from_str::<GoldConfig>("agreement_rules = []").unwrap().agreement_rules, Some(Vec::new()));
        let said = |text: &str| toml::from_str::<GoldConfig>(text).unwrap_err().message().to_owned();
        assert_eq!(
            said("agreement_rules = \"ours\""),
            "there are no agreement rules called \"ours\": \"icelandic-msp\" is built in"
        );
        assert_eq!(
            said("agreement_rules = 5"),
            "invalid type: integer `5`, expected a list of rules, or \"icelandic-msp\""
        );
    }

    #[test]
    fn the_example_file_spells_the_icelandic_rules_out() {
        let file = include_str!("../../../../docs/examples/icelandic-msp.toml");
        let file: std::collections::BTreeMap<String, GoldConfig> = toml::from_str(file).unwrap();
        let holiday_calendars = vec![HolidayCalendar::Iceland];
        assert_eq!(file["gold"], GoldConfig { holiday_calendars, ..icelandic() });
    }

    #[test]
    fn the_icelandic_rules_match_names_as_they_arrive() {
        let rules = icelandic().classifier().unwrap().unwrap();
        for (name, expected) in [
            ("Tímapottur ", Some(("prepaid_hours", "prepaid"))),
            ("TÍMAPOTTUR :", Some(("prepaid_hours", "prepaid"))),
            ("Innri verkefni:", Some(("internal_project", "internal"))),
            ("rekstrarÞjónusta", Some(("operations", "operations"))),
            ("Alrekstur stórt", Some(("operations", "operations"))),
            ("Hugbúnaðarþjónusta", Some(("software_service", "billable"))),
            ("Microsoft office 365 leyfi", Some(("software_service", "billable"))),
            ("yþjónusta", Some(("billable_service", "billable"))),
            ("Managed Services", None),
            ("", None),
        ] {
            assert_eq!(rules.classify(name), expected, "{name:?}");
        }
    }

    #[test]
    fn the_first_rule_that_matches_holds() {
        let rule = |pattern: &str, normalized: &str| AgreementRule {
            pattern: pattern.into(),
            normalized: normalized.into(),
            behavior: "billable".into(),
        };
        let rules = Some(vec![rule("a", "first"), rule("ab", "second")]);
        let config = GoldConfig { agreement_rules: rules, ..GoldConfig::default() };
        assert_eq!(config.classifier().unwrap().unwrap().classify("ab"), Some(("first", "billable")));
    }

    #[test]
    fn what_is_wrong_is_one_sentence() {
        let changed = |at: usize, change: fn(&mut AgreementRule)| {
            let mut rules = AgreementRule::icelandic_msp();
            change(&mut rules[at]);
            GoldConfig { agreement_rules: Some(rules), ..GoldConfig::default() }
        };
        let error = changed(1, |rule| rule.pattern = "(unclosed".to_owned()).check().unwrap_err();
        assert!(error.is_usage());
        assert_eq!(
            error.to_string(),
            "agreement rule 2 has the pattern \"(unclosed\", which is no regular expression: unclosed group"
        );
        let config = GoldConfig { fiscal_year_start_month: 13, ..GoldConfig::default() };
        assert_eq!(
            config.check().unwrap_err().to_string(),
            "fiscal_year_start_month is 13: it has to be a month from 1 to 12"
        );
        let config = changed(0, |rule| rule.behavior = "bilable".to_owned());
        assert_eq!(
            config.check().unwrap_err().to_string(),
            "agreement rule 1 has the behavior \"bilable\", which the models don't know: did you mean billable? \
             the behaviors are billable, prepaid, internal, operations, unknown"
        );
        let config = changed(2, |rule| rule.normalized = " ".to_owned());
        assert_eq!(
            config.check().unwrap_err().to_string(),
            "agreement rule 3 has an empty normalized: a rule needs a pattern and a normalized type"
        );
        let holiday = toml::from_str::<GoldConfig>("[[holidays]]\ndate = \"2026-13-24\"\nname = \"?\"").unwrap_err();
        assert_eq!(holiday.message(), "\"2026-13-24\" is no day, which is written as \"2026-12-24\"");
        assert!(toml::from_str::<GoldConfig>("fiscal_year = 1").is_err());
        assert_eq!(
            toml::from_str::<GoldConfig>("holiday_calendars = [\"US\", \"IS\"]").unwrap().holiday_calendars.len(),
            2
        );
    }
}
