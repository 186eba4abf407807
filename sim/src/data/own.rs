//! What the entities mean that have generators of their own: who belongs to whom, what is closed when, what money adds up to.

mod child;
pub(super) mod desk;
mod flat;
pub(super) mod money;

pub(super) use flat::board_of;
pub(crate) use flat::is_decided;

use super::made::Cast;
use super::plan::{Maker, Own};
use super::shape::Shape;
use super::world::{FIRST_DAY, LAST_DAY, Link, World};
use crate::calendar::DAY;
use crate::document::{Member, Of};
use crate::kind::Kind;
use crate::place::Place;

/// Tells a property if it has a meaning here, which may be that it is absent; false leaves it to the document.
pub(super) fn tell(cast: &Cast, member: &Member, s: &mut impl Shape) -> bool {
    let Maker::Own(own) = cast.plan.maker else { return false };
    match own {
        Own::Contact => flat::contact(cast, member, s),
        Own::ServiceTicket | Own::ProjectTicket => flat::ticket(cast, own, member, s),
        Own::Project => flat::project(cast, member, s),
        Own::Activity | Own::Opportunity | Own::Configuration | Own::ScheduleEntry => {
            flat::of_company(cast, own, member, s)
        }
        Own::TimeSheet | Own::ExpenseReport => flat::sheet(cast, member, s),
        Own::Batch | Own::Callback | Own::Report => false,
        Own::Addition => child::addition(cast, member, s),
        Own::Note => child::note(cast, member, s),
        Own::Phase => child::phase(cast, member, s),
        Own::Site => child::site(cast, member, s),
        Own::BoardStatus | Own::BoardType => child::board(cast, own, member, s),
        Own::Adjustment => money::adjustment(cast, member, s),
        Own::Payment => money::payment(cast, member, s),
        Own::Forecast => money::forecast(cast, member, s),
        Own::SlaPriority => desk::target(cast, member, s),
        Own::Holiday => desk::holiday(cast, member, s),
        Own::SurveyResult => desk::survey_result(cast, member, s),
        Own::Stock => desk::stock(cast, member, s),
    }
}

/// When a row was entered that was there from the start and that nothing has touched since, where other rows say so.
pub(super) fn entered_at(cast: &Cast) -> Option<i64> {
    match cast.plan.maker {
        Maker::Own(Own::Payment) => Some(money::paid_at(cast)),
        Maker::Own(Own::SurveyResult) => Some(desk::answered_at(cast)),
        _ => None,
    }
}

/// A company that belongs to a row number beyond those that there were in the beginning is one of them again.
fn company(world: &World, slot: u64) -> Link {
    Link { slot: slot % world.count(Kind::Company), deleted: false }
}

/// A day of the row's history, and none after the last.
fn day(cast: &Cast) -> i64 {
    match cast.row.born {
        0 => FIRST_DAY + cast.draw.below(30, (LAST_DAY - FIRST_DAY) as u64) as i64,
        born => super::world::advance_day(born),
    }
}

/// A moment in working hours.
fn working(day: i64, cast: &Cast) -> i64 {
    day * DAY + 8 * 3600 + (cast.draw.below(31, 32) * 900) as i64
}

/// A reference to a row of the list with this path.
pub(super) fn refer(cast: &Cast, member: &Member, path: &str, slot: u64, s: &mut impl Shape) {
    let (Of::Object(schema), Some(resource)) = (member.of, cast.world.document.resource_at(path)) else { return };
    super::reference::to(cast.world, member, schema, Place::flat(resource.number), slot, s);
}
