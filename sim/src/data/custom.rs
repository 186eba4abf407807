//! Custom fields of made rows: one of each type that there is.

use super::made::Cast;
use super::names;
use super::refs::SetUp;
use super::shape::{Decimal, Shape};
use super::world::LAST_DAY;
use crate::calendar::DAY;

const FIELDS: [(i64, &str, &str, &str); 12] = [
    (101, "Athugasemd", "TextArea", "EntryField"),
    (102, "Opna kort", "Button", "EntryField"),
    (103, "Innborgun", "Currency", "EntryField"),
    (104, "Endurskoðað", "Date", "Date"),
    (105, "Vefsíða ", "Hyperlink", "EntryField"),
    (106, "IP-tala", "IPAddress", "EntryField"),
    (107, "Forgangsþjónusta", "Checkbox", "EntryField"),
    (108, "Fjöldi véla", "Number", "EntryField"),
    (109, "Afsláttur", "Percent", "EntryField"),
    (110, "Beint númer", "PhoneNumber", "EntryField"),
    (111, "Flokkur", "Text", "List"),
    (112, "Lykilorð", "Password", "EntryField"),
];

/// All custom fields that any row has, as `/system/userDefinedFields` defines them.
pub(super) const DEFINITIONS: [SetUp; 19] = [
    (4, "Samningsnúmer"),
    (20, "365 Tenant"),
    (21, "Fjöldi véla"),
    (22, "Sjálfvirk endurnýjun"),
    (23, "Endurskoðun"),
    (31, "Tengiliður þjónustu"),
    (32, "Afsláttur %"),
    (101, "Athugasemd"),
    (102, "Opna kort"),
    (103, "Innborgun"),
    (104, "Endurskoðað"),
    (105, "Vefsíða "),
    (106, "IP-tala"),
    (107, "Forgangsþjónusta"),
    (108, "Fjöldi véla"),
    (109, "Afsláttur"),
    (110, "Beint númer"),
    (111, "Flokkur"),
    (112, "Lykilorð"),
];

/// The type of a field, and how it is entered.
pub(super) fn definition(id: i64) -> Option<(&'static str, &'static str)> {
    match id {
        4 | 20 | 31 => Some(("Text", "EntryField")),
        21 => Some(("Number", "EntryField")),
        22 => Some(("Checkbox", "EntryField")),
        23 => Some(("Date", "Date")),
        32 => Some(("Percent", "EntryField")),
        id => FIELDS.iter().find(|(known, ..)| *known == id).map(|(_, _, kind, entry)| (*kind, *entry)),
    }
}

/// The items of a row's `customFields`; captions are not unique over lists, and a value may be absent.
pub(super) fn fields(cast: &Cast, s: &mut impl Shape) {
    for (id, caption, kind, entry) in FIELDS {
        if !s.item() {
            continue;
        }
        let draw = cast.draw.item(id as u64);
        s.int("id", id);
        s.text("caption", caption);
        s.text("type", kind);
        s.text("entryMethod", entry);
        s.int("numberOfDecimals", if matches!(kind, "Currency" | "Percent") { 2 } else { 0 });
        if draw.chance(1, 6_000) {
            match kind {
                "Checkbox" => s.flag("value", draw.chance(2, 5_000)),
                "Number" => s.num("value", Decimal::whole(draw.below(2, 250) as i64)),
                "Currency" | "Percent" => s.num("value", Decimal::hundredths(draw.below(2, 90_000) as i64)),
                "Date" => s.time("value", (LAST_DAY - draw.below(2, 300) as i64) * DAY),
                "IPAddress" => s.made("value", |o| {
                    o.push_str("192.0.2.");
                    names::number(o, draw.below(2, 254) as i64);
                }),
                "Hyperlink" => s.text("value", "https://www.example.com/"),
                "PhoneNumber" => s.made("value", |o| names::digits(o, draw, 2, 7)),
                "Password" => s.made("value", |o| names::guid(o, draw, 2)),
                _ => s.made("value", |o| names::title(o, draw, 200, 2)),
            }
        }
        s.made("connectWiseId", |o| names::guid(o, cast.world.draw_other(7, id as u64), 1));
        s.leave();
    }
}
