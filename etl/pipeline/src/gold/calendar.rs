//! The dimension of days: every day of every year that the facts have a day in.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, Date32Array, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Date32Type, Int64Type, SchemaRef};
use chrono::{Datelike, Days, NaiveDate, Weekday};
use datafusion::prelude::SessionContext;

use super::config::GoldConfig;
use super::failed;
use super::holidays;
use super::keys::{UNKNOWN, UNKNOWN_NAME};
use crate::error::{Error, Result};

/// Years that a business date can be in. What lies outside is a typing error and would fill the table with empty years.
pub(super) const YEARS: std::ops::RangeInclusive<i32> = 1900..=2199;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Rows of `dimdate`, the unknown day first. `used` has the facts' days with the number of rows on each.
pub(super) fn rows(schema: &SchemaRef, config: &GoldConfig, used: &BTreeMap<NaiveDate, i64>) -> Result<RecordBatch> {
    let years: Vec<i32> = used.keys().map(Datelike::year).filter(|year| YEARS.contains(year)).collect();
    let days: Vec<NaiveDate> = match (years.iter().min(), years.iter().max()) {
        (Some(first), Some(last)) => NaiveDate::from_ymd_opt(*first, 1, 1)
            .into_iter()
            .flat_map(|day| day.iter_days())
            .take_while(|day| day.year() <= *last)
            .collect(),
        _ => Vec::new(),
    };
    let holidays = holiday_names(config, &days);
    let day = |value: &dyn Fn(NaiveDate) -> i32| -> ArrayRef {
        Arc::new(Int32Array::from_iter(std::iter::once(None).chain(days.iter().map(|day| Some(value(*day))))))
    };
    let name = |value: &dyn Fn(NaiveDate) -> &'static str| -> ArrayRef {
        let names = std::iter::once(UNKNOWN_NAME).chain(days.iter().map(|day| value(*day)));
        Arc::new(StringArray::from_iter_values(names))
    };
    let flag = |unknown: bool, value: &dyn Fn(NaiveDate) -> bool| -> ArrayRef {
        Arc::new(BooleanArray::from_iter(std::iter::once(unknown).chain(days.iter().map(|day| value(*day))).map(Some)))
    };
    let date: ArrayRef =
        Arc::new(Date32Array::from_iter(std::iter::once(None).chain(days.iter().map(|day| Some(since_epoch(*day))))));
    let key = std::iter::once(UNKNOWN as i32).chain(days.iter().map(|day| date_key(*day)));
    let arrays = schema.fields().iter().filter(|field| !super::model::is_technical(field.name())).map(|field| {
        Ok(match field.name().as_str() {
            "DateKey" => Arc::new(Int32Array::from_iter_values(key.clone())) as ArrayRef,
            "Date" | "EffectiveDate" | "EndDate" => date.clone(),
            "year" => day(&|day| day.year()),
            "quarter" => day(&|day| quarter(day.month())),
            "month" => day(&|day| day.month() as i32),
            "monthName" => name(&|day| MONTHS[day.month0() as usize]),
            "dayOfMonth" => day(&|day| day.day() as i32),
            "isoYear" => day(&|day| day.iso_week().year()),
            "isoWeek" => day(&|day| day.iso_week().week() as i32),
            "dayOfWeek" => day(&|day| day.weekday().number_from_monday() as i32),
            "dayName" => name(&|day| day_name(day.weekday())),
            "fiscalYear" => day(&|day| fiscal(day, config.fiscal_year_start_month).0),
            "fiscalQuarter" => day(&|day| fiscal(day, config.fiscal_year_start_month).1),
            "isWeekend" => flag(false, &is_weekend),
            "isHoliday" => flag(false, &|day| holidays.contains_key(&day)),
            "holidayName" => {
                let names = days.iter().map(|day| holidays.get(day).map(String::as_str));
                Arc::new(StringArray::from_iter(std::iter::once(None).chain(names)))
            }
            "isBusinessDay" => flag(false, &|day| !is_weekend(day) && !holidays.contains_key(&day)),
            "usage_count" => {
                let counts = days.iter().map(|day| used.get(day).copied().unwrap_or(0));
                Arc::new(Int64Array::from_iter_values(std::iter::once(0).chain(counts)))
            }
            "IsActive" => flag(true, &|_| true),
            other => return Err(Error::no_calendar_column(other)),
        })
    });
    let fields: Vec<_> =
        schema.fields().iter().filter(|field| !super::model::is_technical(field.name())).cloned().collect();
    RecordBatch::try_new(Arc::new(arrow::datatypes::Schema::new(fields)), arrays.collect::<Result<_>>()?)
        .map_err(|error| Error::unfit_calendar().with_source(error))
}

/// The days that facts and invoices are on, with the number of the facts' rows that are not deleted, and the day of the run, up to which
/// months are counted.
pub(super) async fn used_days(session: &SessionContext, today: NaiveDate) -> Result<BTreeMap<NaiveDate, i64>> {
    let days = "select usedOn, cast(sum(uses) as bigint) as uses from day_uses group by usedOn";
    let mut used = BTreeMap::from([(today, 0)]);
    for batch in session.sql(days).await.map_err(failed)?.collect().await.map_err(failed)? {
        let days = batch.column(0).as_primitive::<Date32Type>();
        let uses = batch.column(1).as_primitive::<Int64Type>();
        for row in 0..days.len() {
            if let Some(day) = date(days.value(row)) {
                used.insert(day, uses.value(row));
            }
        }
    }
    Ok(used)
}

fn date(days: i32) -> Option<NaiveDate> {
    let distance = Days::new(days.unsigned_abs().into());
    if days < 0 {
        NaiveDate::default().checked_sub_days(distance)
    } else {
        NaiveDate::default().checked_add_days(distance)
    }
}

fn holiday_names(config: &GoldConfig, days: &[NaiveDate]) -> BTreeMap<NaiveDate, String> {
    let mut names: BTreeMap<NaiveDate, String> =
        config.holidays.iter().map(|holiday| (holiday.date, holiday.name.clone())).collect();
    if let (Some(first), Some(last)) = (days.first(), days.last()) {
        // New Year's Day of the year after can be observed in the last one.
        for year in first.year()..=last.year() + 1 {
            for calendar in &config.holiday_calendars {
                holidays::add(*calendar, year, &mut names);
            }
        }
    }
    names
}

/// The last day that is followed by so many business days, up to and with `day`.
pub(super) fn before_business_days(config: &GoldConfig, day: NaiveDate, count: u16) -> NaiveDate {
    // Two days of three are business days, however many holidays a year has.
    let first = day.checked_sub_days(Days::new(u64::from(count) * 2 + 30)).unwrap_or(NaiveDate::MIN);
    let holidays = holiday_names(config, &[first, day]);
    let is_business_day = |day: &NaiveDate| !is_weekend(*day) && !holidays.contains_key(day);
    let earlier = std::iter::successors(Some(day), |day| day.pred_opt());
    match usize::from(count).checked_sub(1) {
        Some(last) => earlier.filter(is_business_day).nth(last).and_then(|day| day.pred_opt()).unwrap_or(first),
        None => day,
    }
}

pub(super) fn since_epoch(day: NaiveDate) -> i32 {
    day.to_epoch_days()
}

fn is_weekend(day: NaiveDate) -> bool {
    matches!(day.weekday(), Weekday::Sat | Weekday::Sun)
}

fn date_key(day: NaiveDate) -> i32 {
    day.year() * 10_000 + day.month() as i32 * 100 + day.day() as i32
}

fn quarter(month: u32) -> i32 {
    (month as i32 - 1) / 3 + 1
}

/// Fiscal year, called after the calendar year in which it ends, and quarter.
fn fiscal(day: NaiveDate, start_month: u32) -> (i32, i32) {
    let months_in = (day.month() + 12 - start_month) % 12;
    let started_last_year = day.month() < start_month;
    let start_year = day.year() - i32::from(started_last_year);
    let end_year = start_year + i32::from(start_month > 1);
    (end_year, quarter(months_in + 1))
}

fn day_name(day: Weekday) -> &'static str {
    match day {
        Weekday::Mon => "Monday",
        Weekday::Tue => "Tuesday",
        Weekday::Wed => "Wednesday",
        Weekday::Thu => "Thursday",
        Weekday::Fri => "Friday",
        Weekday::Sat => "Saturday",
        Weekday::Sun => "Sunday",
    }
}

#[cfg(test)]
mod tests {
    use super::super::config::HolidayCalendar;
    use super::*;

    fn day(year: i32, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, month, day).unwrap()
    }

    #[test]
    fn a_fiscal_year_is_called_after_its_end() {
        assert_eq!(fiscal(day(2025, 6, 30), 1), (2025, 2));
        assert_eq!(fiscal(day(2025, 6, 30), 7), (2025, 4));
        assert_eq!(fiscal(day(2025, 7, 1), 7), (2026, 1));
        assert_eq!(fiscal(day(2025, 1, 31), 2), (2025, 4));
        assert_eq!(fiscal(day(2025, 2, 1), 2), (2026, 1));
    }

    fn in_iceland() -> GoldConfig {
        GoldConfig { holiday_calendars: vec![HolidayCalendar::Iceland], ..GoldConfig::default() }
    }

    #[test]
    fn business_days_leave_out_weekends_and_holidays() {
        let before = |day, count| before_business_days(&in_iceland(), day, count);
        // Monday 1 July 2024 and the last four days of the week before.
        assert_eq!(before(day(2024, 7, 1), 5), day(2024, 6, 24));
        assert_eq!(before(day(2024, 6, 30), 1), day(2024, 6, 27), "a Sunday counts for nothing");
        // Monday 17 June was a holiday.
        assert_eq!(before(day(2024, 6, 19), 2), day(2024, 6, 17));
        assert_eq!(before(day(2024, 6, 19), 3), day(2024, 6, 13));
        assert_eq!(before(day(2024, 6, 19), 0), day(2024, 6, 19));
        let nowhere = before_business_days(&GoldConfig::default(), day(2024, 6, 19), 3);
        assert_eq!(nowhere, day(2024, 6, 16), "no holiday counts unless it is configured");
    }

    #[test]
    fn whole_years_and_the_unknown_day() {
        let schema =
            super::super::model::models().unwrap().iter().find(|model| model.name == "dimdate").unwrap().schema.clone();
        let used = BTreeMap::from([(day(2023, 12, 31), 2), (day(2024, 6, 17), 3), (day(3000, 1, 1), 1)]);
        let batch = rows(&schema, &in_iceland(), &used).unwrap();
        assert_eq!(batch.num_rows(), 1 + 365 + 366);
        let text = |row: usize| {
            batch
                .schema()
                .fields()
                .iter()
                .zip(batch.columns())
                .map(|(field, column)| {
                    let value = arrow::util::display::array_value_to_string(column, row).unwrap();
                    format!("{}={value}", field.name())
                })
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(
            text(0),
            "DateKey=-1 Date= year= quarter= month= monthName=Unknown dayOfMonth= isoYear= isoWeek= dayOfWeek= dayName=Unknown \
             fiscalYear= fiscalQuarter= isWeekend=false isHoliday=false holidayName= isBusinessDay=false usage_count=0 \
             IsActive=true EffectiveDate= EndDate="
        );
        // 17 June 2024 was a Monday, the national holiday, in ISO week 25.
        assert_eq!(
            text(1 + 365 + 31 + 29 + 31 + 30 + 31 + 16),
            "DateKey=20240617 Date=2024-06-17 year=2024 quarter=2 month=6 monthName=June dayOfMonth=17 isoYear=2024 isoWeek=25 \
             dayOfWeek=1 dayName=Monday fiscalYear=2024 fiscalQuarter=2 isWeekend=false isHoliday=true \
             holidayName=Þjóðhátíðardagurinn isBusinessDay=false usage_count=3 IsActive=true EffectiveDate=2024-06-17 \
             EndDate=2024-06-17"
        );
        // 31 December 2023 was a Sunday in ISO week 52.
        assert!(text(365).contains("DateKey=20231231") && text(365).contains("isoYear=2023 isoWeek=52 dayOfWeek=7"));
    }
}
