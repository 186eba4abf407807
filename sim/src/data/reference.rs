//! References from made rows to rows of other lists.

use super::made::{self, Cast};
use super::names::{self, href};
use super::plan::{Maker, Own};
use super::refs;
use super::rng::Draw;
use super::setup::{BOARD_STATUSES, BOARD_TYPES};
use super::shape::Shape;
use super::world::World;
use crate::document::{Document, Member, Of};
use crate::kind::Kind;
use crate::place::Place;

/// What the document calls by another name than its list does.
const ALIASES: [(&str, &str); 18] = [
    ("SystemLocation", "/system/locations"),
    ("SystemDepartment", "/system/departments"),
    ("Currency", "/finance/currencies"),
    ("BillingTerms", "/finance/billingTerms"),
    ("IvItem", "/procurement/catalog"),
    ("ProjectBoard", "/service/boards"),
    ("ServiceSource", "/service/sources"),
    ("NoteType", "/company/noteTypes"),
    ("ProductCategory", "/procurement/categories"),
    ("ProductSubCategory", "/procurement/subcategories"),
    ("SalesOrder", "/sales/orders"),
    ("Configuration", "/company/configurations"),
    ("Batch", "/finance/accounting/batches"),
    ("Country", "/company/countries"),
    ("ServiceLocation", "/service/locations"),
    ("OpportunityProbability", "/sales/probabilities"),
    ("CalendarSetup", "/schedule/calendars"),
    ("KBCategory", "/service/knowledgeBaseCategories"),
];

/// The list that a reference leads to: one without parents.
pub(crate) fn target(document: &Document, schema: &str) -> Option<Place> {
    let named = schema.strip_suffix("Reference")?;
    let alias = ALIASES.into_iter().find(|(name, _)| *name == named).map(|(_, path)| path);
    let resource = match alias {
        Some(path) => document.resource_at(path),
        None => document.resource_named(named),
    }?;
    (resource.parents == 0 && resource.keyed && resource.shown_of.is_none()).then(|| Place::flat(resource.number))
}

/// An object: a reference where its schema says so, else what its properties are.
pub(super) fn tell(cast: &Cast, member: &Member, number: usize, draw: Draw, depth: u32, s: &mut impl Shape) {
    let Some(schema) = cast.world.document.schema(number) else { return };
    if !schema.name.ends_with("Reference") {
        if depth < 2 && s.enter(member.name) {
            made::item(cast, schema, draw, depth + 1, s);
            s.leave();
        }
        return;
    }
    match cast.world.targets[number] {
        Some(place) => to(cast.world, member, number, place, draw.skewed(7, cast.world.rows(place)), s),
        None if s.enter(member.name) => {
            s.int("id", 1 + draw.below(8, 9) as i64);
            for text in ["identifier", "name"] {
                if schema.member(text).is_some_and(|member| member.of == Of::Text) {
                    s.made(text, |o| names::title(o, draw, 200, 2));
                }
            }
            s.leave();
        }
        None => {}
    }
}

/// A reference to a row of a list.
pub(super) fn to(world: &World, member: &Member, schema: usize, place: Place, slot: u64, s: &mut impl Shape) {
    let Some(schema) = world.document.schema(schema) else { return };
    if !s.enter(member.name) {
        return;
    }
    let id = world.row_id(place, slot);
    s.int("id", id);
    for text in ["identifier", "name", "summary", "description"] {
        if schema.member(text).is_some_and(|member| member.of == Of::Text) {
            s.made(text, |o| match (world.plan(place).maker, text) {
                (Maker::Hand(Kind::Company), "identifier") => {
                    names::firm_identifier(o, world.draw(Kind::Company, slot), id);
                }
                (Maker::Hand(Kind::Member), "identifier") => {
                    refs::member_identifier(o, world.draw(Kind::Member, slot), id);
                }
                _ => name(o, world, place, slot),
            });
        }
    }
    if schema.member("_info").is_some() && s.enter("_info") {
        let resource = &world.document.resources[place.resource];
        s.made(link(schema.name), |o| {
            href(o, resource.template.trim_start_matches('/'), 0);
            o.truncate(o.len() - 1);
            o.push('/');
            names::number(o, id);
        });
        s.leave();
    }
    s.leave();
}

/// `CompanyReference` links by `company_href`; keys of rows live as long as the process, so only known ones are used.
fn link(schema: &str) -> &'static str {
    match schema {
        "CompanyReference" => "company_href",
        "ContactReference" => "contact_href",
        "MemberReference" => "member_href",
        "SystemLocationReference" => "location_href",
        "SystemDepartmentReference" => "department_href",
        "BoardReference" | "ProjectBoardReference" => "board_href",
        "AgreementReference" => "agreement_href",
        "TicketReference" => "ticket_href",
        "ProjectReference" => "project_href",
        "WorkRoleReference" => "workRole_href",
        "WorkTypeReference" => "workType_href",
        "PriorityReference" => "priority_href",
        _ => "record_href",
    }
}

/// The name of a row, which is the same wherever it is shown.
pub(super) fn name(out: &mut String, world: &World, place: Place, slot: u64) {
    let plan = world.plan(place);
    let draw = world.draw_row(plan.stream, place.parents(), slot);
    let id = world.row_id(place, slot) as u64;
    match plan.maker {
        Maker::Hand(Kind::Company) => names::firm(out, world.draw(Kind::Company, slot)),
        Maker::Hand(Kind::Member) => refs::member_name(out, world.draw(Kind::Member, slot)),
        Maker::Hand(Kind::Agreement) => super::agreement::name(out, world, slot),
        Maker::Listed(table) => match World::listed(table, slot) {
            Some((_, name)) => out.push_str(name),
            None => names::title(out, draw, 200, 2),
        },
        Maker::Own(Own::Contact) => names::person(out, world.draw_other(2, id - 1)),
        Maker::Own(Own::ServiceTicket | Own::ProjectTicket) => refs::ticket_summary(out, world, id),
        Maker::Own(Own::Project) => names::title(out, world.draw_other(4, id), 200, 3),
        Maker::Own(Own::Phase) => names::title(out, world.draw_other(5, id), 200, 2),
        Maker::Own(Own::Activity) => names::title(out, world.draw_other(6, id), 200, 3),
        Maker::Own(Own::Opportunity) => names::title(out, world.draw_other(8, id), 200, 3),
        // Those whose rows can be read.
        Maker::Own(Own::Report) if slot < 3 => out.push_str(["Company", "Service", "Time"][slot as usize]),
        Maker::Own(Own::BoardStatus) => {
            out.push_str(BOARD_STATUSES.get(slot as usize).copied().unwrap_or("Annað"));
        }
        Maker::Own(Own::BoardType) => out.push_str(BOARD_TYPES.get(slot as usize).copied().unwrap_or("Annað")),
        _ => names::title(out, draw, 200, 2),
    }
}
