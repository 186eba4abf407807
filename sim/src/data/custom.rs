//! Custom fields of made rows: one of each type that there is.

use super::made::Cast;
use super::names;
use super::shape::{Decimal, Shape};
use super::world::LAST_DAY;
use crate::calendar::DAY;

const FIELDS: [(i64, &str, &str, &str); 12] = [
    (31, "Athugasemd", "TextArea", "EntryField"),
    (32, "Opna kort", "Button", "EntryField"),
    (33, "Innborgun", "Currency", "EntryField"),
    (34, "Endurskoðað", "Date", "Date"),
    (35, "Vefsíða ", "Hyperlink", "EntryField"),
    (36, "IP-tala", "IPAddress", "EntryField"),
    (37, "Forgangsþjónusta", "Checkbox", "EntryField"),
    (38, "Fjöldi véla", "Number", "EntryField"),
    (39, "Afsláttur", "Percent", "EntryField"),
    (40, "Beint númer", "PhoneNumber", "EntryField"),
    (41, "Flokkur", "Text", "List"),
    (42, "Lykilorð", "Password", "EntryField"),
];

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
