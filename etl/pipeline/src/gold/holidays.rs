//! Holidays by rule.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, NaiveDate, Weekday};

use super::config::HolidayCalendar;

/// Adds the holidays of a year to `names`; a day that has a name keeps it.
pub(super) fn add(calendar: HolidayCalendar, year: i32, names: &mut BTreeMap<NaiveDate, String>) {
    let days = match calendar {
        HolidayCalendar::UnitedStates => united_states(year),
        HolidayCalendar::Iceland => iceland(year),
    };
    for (day, name) in days.into_iter().filter_map(|(day, name)| Some((day?, name))) {
        names.entry(day).or_insert_with(|| name.to_owned());
        if let Some(observed) = observed(calendar, day) {
            names.entry(observed).or_insert_with(|| format!("{name} (observed)"));
        }
    }
}

/// A federal holiday on a weekend is observed on the nearest weekday.
fn observed(calendar: HolidayCalendar, day: NaiveDate) -> Option<NaiveDate> {
    match (calendar, day.weekday()) {
        (HolidayCalendar::UnitedStates, Weekday::Sat) => day.pred_opt(),
        (HolidayCalendar::UnitedStates, Weekday::Sun) => day.succ_opt(),
        _ => None,
    }
}

fn united_states(year: i32) -> Vec<(Option<NaiveDate>, &'static str)> {
    let day = |month, day| NaiveDate::from_ymd_opt(year, month, day);
    let nth = |month, weekday, n| NaiveDate::from_weekday_of_month_opt(year, month, weekday, n);
    let last_monday_of_may = nth(5, Weekday::Mon, 5).or_else(|| nth(5, Weekday::Mon, 4));
    vec![
        (day(1, 1), "New Year's Day"),
        (nth(1, Weekday::Mon, 3), "Martin Luther King Jr. Day"),
        (nth(2, Weekday::Mon, 3), "Washington's Birthday"),
        (last_monday_of_may, "Memorial Day"),
        // A federal holiday since 2021.
        (day(6, 19).filter(|_| year >= 2021), "Juneteenth"),
        (day(7, 4), "Independence Day"),
        (nth(9, Weekday::Mon, 1), "Labor Day"),
        (nth(10, Weekday::Mon, 2), "Columbus Day"),
        (day(11, 11), "Veterans Day"),
        (nth(11, Weekday::Thu, 4), "Thanksgiving Day"),
        (day(12, 25), "Christmas Day"),
    ]
}

fn iceland(year: i32) -> Vec<(Option<NaiveDate>, &'static str)> {
    let day = |month, day| NaiveDate::from_ymd_opt(year, month, day);
    let easter = easter(year);
    let after_easter = |days: u64| easter.and_then(|easter| easter.checked_add_days(Days::new(days)));
    let before_easter = |days: u64| easter.and_then(|easter| easter.checked_sub_days(Days::new(days)));
    vec![
        (day(1, 1), "Nýársdagur"),
        (before_easter(3), "Skírdagur"),
        (before_easter(2), "Föstudagurinn langi"),
        (easter, "Páskadagur"),
        (after_easter(1), "Annar í páskum"),
        (day(4, 18).and_then(|day| following(day, Weekday::Thu)), "Sumardagurinn fyrsti"),
        (day(5, 1), "Verkalýðsdagurinn"),
        (after_easter(39), "Uppstigningardagur"),
        (after_easter(49), "Hvítasunnudagur"),
        (after_easter(50), "Annar í hvítasunnu"),
        (day(6, 17), "Þjóðhátíðardagurinn"),
        (NaiveDate::from_weekday_of_month_opt(year, 8, Weekday::Mon, 1), "Frídagur verslunarmanna"),
        (day(12, 24), "Aðfangadagur"),
        (day(12, 25), "Jóladagur"),
        (day(12, 26), "Annar í jólum"),
        (day(12, 31), "Gamlársdagur"),
    ]
}

/// The first such weekday after a day.
fn following(day: NaiveDate, weekday: Weekday) -> Option<NaiveDate> {
    day.iter_days().skip(1).take(7).find(|day| day.weekday() == weekday)
}

/// Easter Sunday of the Gregorian calendar (the anonymous algorithm).
fn easter(year: i32) -> Option<NaiveDate> {
    let a = year.rem_euclid(19);
    let b = year.div_euclid(100);
    let c = year.rem_euclid(100);
    let d = b / 4;
    let e = b % 4;
    let g = (8 * b + 13) / 25;
    let h = (19 * a + b - d - g + 15) % 30;
    let i = c / 4;
    let k = c % 4;
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 19 * l) / 433;
    let n = h + l - 7 * m;
    let month = (n + 90) / 25;
    let day = (n + 33 * month + 19) % 32;
    NaiveDate::from_ymd_opt(year, u32::try_from(month).ok()?, u32::try_from(day).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(calendar: HolidayCalendar, year: i32) -> Vec<String> {
        let mut names = BTreeMap::new();
        add(calendar, year, &mut names);
        names.into_iter().map(|(day, name)| format!("{day} {name}")).collect()
    }

    #[test]
    fn easter_is_where_the_church_has_it() {
        for (year, month, day) in
            [(1961, 4, 2), (2000, 4, 23), (2008, 3, 23), (2018, 4, 1), (2024, 3, 31), (2025, 4, 20), (2038, 4, 25)]
        {
            assert_eq!(easter(year), NaiveDate::from_ymd_opt(year, month, day), "{year}");
        }
    }

    #[test]
    fn iceland_in_2025() {
        assert_eq!(
            names(HolidayCalendar::Iceland, 2025),
            [
                "2025-01-01 Nýársdagur",
                "2025-04-17 Skírdagur",
                "2025-04-18 Föstudagurinn langi",
                "2025-04-20 Páskadagur",
                "2025-04-21 Annar í páskum",
                "2025-04-24 Sumardagurinn fyrsti",
                "2025-05-01 Verkalýðsdagurinn",
                "2025-05-29 Uppstigningardagur",
                "2025-06-08 Hvítasunnudagur",
                "2025-06-09 Annar í hvítasunnu",
                "2025-06-17 Þjóðhátíðardagurinn",
                "2025-08-04 Frídagur verslunarmanna",
                "2025-12-24 Aðfangadagur",
                "2025-12-25 Jóladagur",
                "2025-12-26 Annar í jólum",
                "2025-12-31 Gamlársdagur",
            ]
        );
    }

    #[test]
    fn the_first_day_of_summer_is_between_the_19th_and_the_25th() {
        let first_day = |year| {
            let day =
                names(HolidayCalendar::Iceland, year).into_iter().find(|name| name.contains("Sumardagurinn")).unwrap();
            day[..10].to_owned()
        };
        assert_eq!(first_day(2024), "2024-04-25");
        assert_eq!(first_day(2029), "2029-04-19");
    }

    #[test]
    fn the_united_states_observe_on_weekdays() {
        let days = names(HolidayCalendar::UnitedStates, 2021);
        assert!(days.contains(&"2021-06-19 Juneteenth".to_owned()));
        assert!(days.contains(&"2021-06-18 Juneteenth (observed)".to_owned()));
        assert!(days.contains(&"2021-07-05 Independence Day (observed)".to_owned()));
        assert!(days.contains(&"2021-05-31 Memorial Day".to_owned()));
        assert!(days.contains(&"2021-11-25 Thanksgiving Day".to_owned()));
        assert!(!names(HolidayCalendar::UnitedStates, 2020).iter().any(|day| day.contains("Juneteenth")));
        assert!(
            names(HolidayCalendar::UnitedStates, 2022).contains(&"2021-12-31 New Year's Day (observed)".to_owned())
        );
    }
}
