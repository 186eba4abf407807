//! The time zone of the business, in whose days instants are counted.
//!
//! Models write [`PLACEHOLDER`] where the configured name goes, as Spark SQL does for its settings, and convert an instant with
//! `from_utc_timestamp`. A calendar day that the API gives (`DATE` in silver) is a day in every zone and is never converted.

use std::collections::BTreeSet;

use arrow::array::timezone::Tz;
use chrono::{DateTime, Offset, TimeZone};

use super::model::Model;
use crate::error::{Error, Result};

/// What stands for the name of the configured zone in the texts of models.
pub(super) const PLACEHOLDER: &str = "${time_zone}";
/// The zone of a configuration that names none.
pub(super) const DEFAULT: &str = "UTC";

/// The zone of a name in the IANA database, with its daylight saving.
///
/// # Errors
/// [`Kind::Usage`](crate::error::Kind::Usage) when the database has no such name. An offset is none: it knows no daylight saving.
pub(super) fn named(name: &str) -> Result<Tz> {
    let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic());
    let zone = is_name.then(|| name.parse().ok()).flatten();
    zone.ok_or_else(|| Error::time_zone(name))
}

/// What clocks in a zone show at an instant, as microseconds of a day and time without a zone. `None` where that is beyond all years.
pub(super) fn wall_clock(micros: i64, zone: Tz) -> Option<i64> {
    let instant = DateTime::from_timestamp_micros(micros)?.naive_utc();
    let offset = i64::from(zone.offset_from_utc_datetime(&instant).fix().local_minus_utc());
    micros.checked_add(offset * 1_000_000)
}

/// Writes a zone into the SELECTs of models, each of which comes after what it reads, and notes whose rows depend on it.
pub(super) fn fill_in(models: &mut [Model], name: &str) {
    // Built-in models take keys from other tables and nothing else, and no key depends on a zone.
    let mut through_models = BTreeSet::new();
    let mut through_tables = BTreeSet::new();
    for model in models {
        let reads = |names: &BTreeSet<String>| names.iter().any(|name| model.reads(name));
        model.zoned =
            model.sql.contains(PLACEHOLDER) || reads(&through_models) || (model.own && reads(&through_tables));
        if model.zoned {
            let names = if model.is_table() { &mut through_tables } else { &mut through_models };
            names.insert(model.name.clone());
        }
        for text in model.selects_mut() {
            *text = text.replace(PLACEHOLDER, name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::config::GoldConfig;
    use super::super::model;
    use super::*;

    fn shown(instant: &str, zone: &str) -> String {
        let micros = instant.parse::<DateTime<chrono::Utc>>().unwrap().timestamp_micros();
        let micros = wall_clock(micros, named(zone).unwrap()).unwrap();
        DateTime::from_timestamp_micros(micros).unwrap().naive_utc().to_string()
    }

    #[test]
    fn clocks_show_daylight_saving() {
        for (instant, zone, expected) in [
            // New York goes from UTC-5 to UTC-4 at 07:00 UTC on 10 March 2024, and back at 06:00 UTC on 3 November.
            ("2024-03-10T06:59:59Z", "America/New_York", "2024-03-10 01:59:59"),
            ("2024-03-10T07:00:00Z", "America/New_York", "2024-03-10 03:00:00"),
            ("2024-11-03T05:30:00Z", "America/New_York", "2024-11-03 01:30:00"),
            ("2024-11-03T06:30:00Z", "America/New_York", "2024-11-03 01:30:00"),
            ("2024-07-01T12:00:00.25Z", "Asia/Kolkata", "2024-07-01 17:30:00.250"),
            ("2024-07-01T12:00:00Z", "UTC", "2024-07-01 12:00:00"),
        ] {
            assert_eq!(shown(instant, zone), expected, "{instant} in {zone}");
        }
        assert_eq!(wall_clock(i64::MAX, named("Asia/Tokyo").unwrap()), None);
    }

    #[test]
    fn a_zone_is_a_name_of_the_database() {
        for name in ["", " ", "+02:00", "-0500", "America/NewYork", "Eastern Standard Time", "america", "UTC'; --"] {
            let error = named(name).unwrap_err();
            assert!(error.is_usage() && error.to_string().starts_with(&format!("time_zone is {name:?}, ")), "{error}");
        }
        let config = GoldConfig { time_zone: "Nowhere".to_owned(), ..GoldConfig::default() };
        assert!(config.check().is_err_and(|error| error.is_usage()));
    }

    #[test]
    fn only_what_has_days_of_instants_depends_on_the_zone() {
        let config = GoldConfig { time_zone: "Asia/Tokyo".to_owned(), ..GoldConfig::default() };
        let models = model::all(&config).unwrap();
        let zoned = |name: &str| models.iter().find(|model| model.name == name).unwrap().zoned;
        for name in ["fact_timeentry", "fact_ticket", "fact_invoiceline", "dimdate", "dimcompany"] {
            assert!(zoned(name), "{name}");
        }
        for name in ["fact_expenseentry", "fact_productitem", "fact_invoice", "agreement_facts"] {
            assert!(!zoned(name), "{name}");
        }
        let left = models.iter().find(|model| model.sql.contains(PLACEHOLDER));
        assert!(left.is_none(), "{left:?}");
        assert!(models.iter().any(|model| model.sql.contains("'Asia/Tokyo'")));
    }
}
