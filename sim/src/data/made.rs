//! Rows made from the interface document: every property that it describes, filled by its type and name.

use super::own;
use super::plan::{Maker, Plan};
use super::rng::Draw;
use super::setup::{self, Said};
use super::shape::{Decimal, Shape};
use super::ticket_life::{self, Life};
use super::world::{self, FIRST_DAY, MASS_IMPORT, MASS_UPDATE, NOW, Row, World};
use super::{custom, names, reference};
use crate::calendar::DAY;
use crate::document::{ListOf, Member, Of, Schema};
use crate::place::Place;

/// A row that is being made.
#[derive(Clone, Copy)]
pub(super) struct Cast<'w> {
    pub(super) world: &'w World,
    pub(super) place: Place,
    pub(super) row: Row,
    pub(super) plan: Plan,
    pub(super) draw: Draw,
}

impl<'w> Cast<'w> {
    pub(super) fn of(world: &'w World, place: Place, row: Row) -> Self {
        let plan = world.plan(place);
        Self { world, place, row, plan, draw: world.draw_row(plan.stream, place.parents(), row.slot) }
    }

    pub(super) fn id(&self) -> i64 {
        self.world.row_id(self.place, self.row.slot)
    }
}

/// Lists and objects within a row go no deeper than this.
const DEEPEST: u32 = 2;

pub(crate) fn last_updated(world: &World, place: Place, row: Row) -> i64 {
    let cast = Cast::of(world, place, row);
    let draw = cast.draw;
    match row {
        Row { edited: 1.., .. } => world::touched(draw, row.edited),
        Row { born: 1.., .. } => world::touched(draw, row.born),
        row if world.is_ticket(place) => ticket_life::last_updated(world, place, row.slot),
        _ if let Some(entered) = own::entered_at(&cast) => entered,
        _ if draw.chance(10, 2_000) => MASS_IMPORT,
        _ if draw.chance(11, 700) => MASS_UPDATE,
        _ => MASS_IMPORT + draw.below(12, (NOW - MASS_IMPORT) as u64) as i64,
    }
}

pub(crate) fn shape(world: &World, place: Place, resource: usize, row: Row, s: &mut impl Shape) {
    let cast = Cast::of(world, place, row);
    let resource = &world.document.resources[resource];
    let Some(schema) = world.document.schema(resource.schema) else { return };
    if resource.keyed {
        s.int("id", cast.id());
    }
    for member in schema.members.iter().filter(|member| !matches!(member.name, "id" | "_info")) {
        if !own::tell(&cast, member, s) {
            tell(&cast, schema, member, s);
        }
    }
    if schema.member("_info").is_some_and(|info| info.of == Of::Map) {
        info(&cast, s);
    }
}

/// An object that there is once.
pub(super) fn single(world: &World, schema: usize, path: &str, s: &mut impl Shape) {
    let Some(schema) = world.document.schema(schema) else { return };
    let mut cast = Cast::of(world, Place::flat(0), Row::fresh(0));
    cast.draw = cast.draw.part(path);
    cast.plan.edited = None;
    item(&cast, schema, cast.draw, 0, s);
}

fn info(cast: &Cast, s: &mut impl Shape) {
    if !s.enter("_info") {
        return;
    }
    let by = |o: &mut String| {
        let member = cast.draw.skewed(13, cast.world.count(crate::kind::Kind::Member));
        super::refs::member_identifier(
            o,
            cast.world.draw(crate::kind::Kind::Member, member),
            cast.world.id(crate::kind::Kind::Member, member),
        );
    };
    s.time("lastUpdated", last_updated(cast.world, cast.place, cast.row));
    s.made("updatedBy", by);
    s.time("dateEntered", entered(cast));
    s.made("enteredBy", by);
    s.leave();
}

/// When the row was made: never after its last change.
pub(super) fn entered(cast: &Cast) -> i64 {
    match cast.row {
        Row { born: 1.., .. } => world::touched(cast.draw, cast.row.born),
        row if cast.world.is_ticket(cast.place) => Life::of(cast.world, cast.place, row).opened,
        row if let Some(entered) = own::entered_at(&Cast { row: Row::fresh(row.slot), ..*cast }) => entered,
        row => {
            let changed = last_updated(cast.world, cast.place, Row::fresh(row.slot));
            (changed - cast.draw.below(14, 400 * DAY as u64) as i64).max(MASS_IMPORT.min(changed))
        }
    }
}

/// Whether a property is there: what is required and what switches always are, of the rest some.
fn present(cast: &Cast, schema: &Schema, member: &Member, draw: Draw) -> bool {
    let always = ["name", "identifier", "summary", "description", "caption", "fieldTypeIdentifier"];
    if member.write_only {
        return false;
    }
    member.of == Of::Flag
        || always.contains(&member.name)
        || schema.required.contains(&member.name)
        || (cast.plan.edited == Some(member.name) && cast.row.edited > 0)
        || draw.chance(0, 6_000)
}

/// The row of another list that a property refers to, if it is there.
pub(super) fn referred(cast: &Cast, schema: &Schema, member: &Member) -> Option<u64> {
    let Of::Object(number) = member.of else { return None };
    let (place, draw) = (cast.world.targets[number]?, cast.draw.part(member.name));
    present(cast, schema, member, draw).then(|| draw.skewed(7, cast.world.rows(place)))
}

fn tell(cast: &Cast, schema: &Schema, member: &Member, s: &mut impl Shape) {
    let draw = cast.draw.part(member.name);
    let path = cast.world.document.resources[cast.place.resource].template;
    let is_listed = matches!(cast.plan.maker, Maker::Listed(_));
    let said = if is_listed { setup::said(path, cast.id(), member.name) } else { None };
    let always = said.is_some() && setup::WHOLE.contains(&path);
    if !always && !present(cast, schema, member, draw) {
        return;
    }
    let version = if cast.plan.edited == Some(member.name) { i64::from(cast.row.version()) } else { 0 };
    match said {
        Some(Said::Flag(flag)) => return s.flag(member.name, flag),
        Some(Said::Text(text)) => return s.text(member.name, text),
        Some(Said::Number(number)) => return s.int(member.name, number + version),
        Some(Said::Row(path, slot)) => return own::refer(cast, member, path, slot, s),
        Some(Said::Absent) => return,
        None => {}
    }
    match (cast.plan.maker, member.name) {
        (Maker::Listed(_), "fieldTypeIdentifier" | "entryTypeIdentifier") => {
            let (kind, entry) = custom::definition(cast.id()).unwrap_or(("Text", "EntryField"));
            s.text(member.name, if member.name == "fieldTypeIdentifier" { kind } else { entry });
        }
        (Maker::Listed(_), "name" | "identifier" | "caption") if member.of == Of::Text => {
            s.made(member.name, |o| {
                reference::name(o, cast.world, cast.place, cast.row.slot);
                versioned(o, version);
            });
        }
        (_, "name") if member.of == Of::Text => s.made(member.name, |o| {
            reference::name(o, cast.world, cast.place, cast.row.slot);
            versioned(o, version);
        }),
        (_, "parentId") => s.int("parentId", cast.place.parent().unwrap_or(0)),
        (_, "grandParentId") => s.int("grandParentId", cast.place.parents().first().copied().unwrap_or(0)),
        _ => value(cast, member, draw, version, 0, s),
    }
}

fn versioned(out: &mut String, version: i64) {
    if version > 0 {
        out.push_str(" (");
        names::number(out, version);
        out.push(')');
    }
}

/// A property by its type, and where that says little by its name.
pub(super) fn value(cast: &Cast, member: &Member, draw: Draw, version: i64, depth: u32, s: &mut impl Shape) {
    match member.of {
        Of::Whole => s.int(member.name, draw.below(1, 60) as i64 + version),
        Of::Decimal => s.num(member.name, Decimal(2_500 * draw.below(1, 4_000) as i64 + 10_000 * version)),
        Of::Flag => {
            let share = if member.name.contains("active") || member.name.contains("deleted") { 500 } else { 2_500 };
            s.flag(member.name, draw.chance(1, share) != (version % 2 == 1));
        }
        Of::Text => s.made(member.name, |o| text(o, cast, member, draw, version)),
        Of::Guid => s.made(member.name, |o| names::guid(o, draw, 1)),
        Of::Time => s.time(member.name, moment(member.name, draw)),
        Of::Member(members) => match members {
            _ if cast.world.is_strange(draw) => s.text(member.name, "IntroducedLater"),
            [] => {}
            members => s.text(member.name, draw.pick(1, members)),
        },
        Of::Object(number) => reference::tell(cast, member, number, draw, depth, s),
        Of::List(of) => list(cast, member, of, draw, depth, s),
        Of::Map => {}
    }
}

/// Dates without a time of day are midnights; a few were never filled in.
fn moment(name: &str, draw: Draw) -> i64 {
    let day = FIRST_DAY + draw.below(1, 740) as i64;
    match draw.below(2, 60) {
        0 => crate::calendar::days(1900, 1, 1) * DAY,
        _ if name.contains("ime") || draw.chance(3, 4_000) => day * DAY + 8 * 3600 + draw.below(4, 9 * 3600) as i64,
        _ => day * DAY,
    }
}

fn text(out: &mut String, cast: &Cast, member: &Member, draw: Draw, version: i64) {
    let start = out.len();
    let name = member.name.to_ascii_lowercase();
    match name.as_str() {
        name if name.contains("email") => {
            names::firm_identifier(out, draw, draw.below(1, 90) as i64);
            out[start..].make_ascii_lowercase();
            out.push_str("@example.com");
        }
        name if name.contains("phone") || name.contains("fax") => names::digits(out, draw, 1, 7),
        name if name.contains("url") || name.contains("link") => out.push_str("https://www.example.com/"),
        name if name.ends_with("guid") || name.contains("connectwiseid") => names::guid(out, draw, 1),
        name if name.contains("identifier") || name.contains("xref") || name.contains("number") => {
            names::firm_identifier(out, draw, cast.id());
        }
        // The document calls some of these texts that it calls date-times elsewhere, such as when a phase was to start.
        name if name.contains("date") || ["deadline", "start", "end"].iter().any(|end| name.ends_with(end)) => {
            crate::calendar::push(out, moment(name, draw));
        }
        name if name.contains("city") => out.push_str(names::city(draw).0),
        name if name.contains("zip") => out.push_str(names::city(draw).1),
        name if name.contains("address") => names::street(out, draw),
        name if name.contains("note") || name == "text" => names::prose(out, draw, 1_000, 1 + draw.below(1, 3)),
        // Empty is something else than absent.
        _ if draw.chance(2, 1_200) && version == 0 => {}
        _ => {
            names::title(out, draw, 200, 1 + draw.below(1, 4));
            if draw.chance(3, 400) {
                out.push(' ');
            }
        }
    }
    let longest = member.longest.unwrap_or(usize::MAX).saturating_sub(if version > 0 { 8 } else { 0 });
    if let Some((end, _)) = out[start..].char_indices().nth(longest) {
        out.truncate(start + end);
    }
    versioned(out, version);
}

fn list(cast: &Cast, member: &Member, of: ListOf, draw: Draw, depth: u32, s: &mut impl Shape) {
    let Some(schema) = (match of {
        ListOf::Objects(number) => cast.world.document.schema(number),
        _ => None,
    }) else {
        // Lists of plain values are shown empty.
        if s.list(member.name) {
            s.end_list();
        }
        return;
    };
    if depth >= DEEPEST || !s.list(member.name) {
        return;
    }
    if schema.name == "CustomFieldValue" {
        custom::fields(cast, s);
    } else {
        for at in 0..draw.below(1, 3) {
            if s.item() {
                item(cast, schema, draw.item(at), depth + 1, s);
                s.leave();
            }
        }
    }
    s.end_list();
}

/// An object within a row.
pub(super) fn item(cast: &Cast, schema: &Schema, draw: Draw, depth: u32, s: &mut impl Shape) {
    for member in schema.members.iter().filter(|member| member.name != "_info") {
        let draw = draw.part(member.name);
        match member.name {
            "id" if member.of == Of::Whole => s.int("id", 1 + draw.below(1, 5_000) as i64),
            _ if !present(cast, schema, member, draw) => {}
            _ => value(cast, member, draw, 0, depth, s),
        }
    }
}
